import type { HeadReport, Recipe } from './heads-worker'

/** Code that builds a method of the catalogue at 1/8 of the exact cache, for heads like this. */
export function methodCode(name: string, { rows, d, dv }: Pick<HeadReport, 'rows' | 'd' | 'dv'>): string {
  return [
    `import { catalogue } from '@sublinear/attention'`,
    ``,
    `const method = catalogue.find(({ name }) => name === '${name}')`,
    `const shape = { d: ${d}, dv: ${dv}, scale: 1 / Math.sqrt(${d}) }`,
    `const options = method.within(shape, ${Math.floor((4 * (d + dv) * rows) / 8)}, { tokens: ${rows} })`,
    `const stream = method.make(shape, options)`,
    `// stream.step({ keys, values }, queries) answers block by block`,
  ].join('\n')
}

/** Code that builds the stream of a recipe. */
export function recipeCode({
  d,
  dv,
  scale,
  method,
  options,
}: Pick<Recipe, 'd' | 'dv' | 'scale' | 'method' | 'options'>): string {
  return [
    `import { createStream } from '@sublinear/attention'`,
    ``,
    `const recipe = ${JSON.stringify({ d, dv, scale, method, options }, null, 2)}`,
    `const stream = createStream(recipe)`,
    `// stream.step({ keys, values }, queries) answers block by block`,
  ].join('\n')
}
