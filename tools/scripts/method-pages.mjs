#!/usr/bin/env node
/**
 * Writes a page for each method of the catalogue: `node tools/scripts/method-pages.mjs` makes docs/methods/<name>.md and its picture from the built
 * catalogue, the sentences of the command line and the board of all captured heads. Nothing is measured; a test compares the files.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SENTENCES } from '../../apps/cli/src/method-sentences.ts'
import { plot } from '../../evidence/kit/plot.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const BOARD = 'evidence/board/full.json'
const folder = `${root}docs/methods/`
const LEARNS = {
  nothing: 'Nothing but the tokens.',
  queries: 'Queries: give each token with its queries, by `step`.',
  pilot: 'A pilot: the first rows of the head.',
}
const EXAMPLE = { d: 64, dv: 64, tokens: 4096, share: 8 }
/** Error over the best method's up to which a method counts as among the best. */
const NEAR = 1.1

/** Code that makes the stream of a method; `options` are those of `within` at an eighth of the cache. Tiers share one form. */
const CODE = {
  exact: () => ['exactStream', 'exactStream(head)'],
  quantised: (options) => ['policies', `policies.quantisedStream(${literal(options)})(head)`],
  farClosure: (options) => ['farClosure', `farClosure({ ...head, ...${literal(options)} })`],
  endless: (options) => ['endless', `endless(${literal(options)})(head)`],
  mean: () => ['meanStream', 'meanStream(head)'],
  closure: () => ['closureStream', 'closureStream(head)'],
  firstOrder: () => ['firstOrderStream', 'firstOrderStream(head)'],
  momentKv: (options) => ['momentKv', `momentKv({ ...head, ...${literal(options)} })`],
  taylor: () => [
    'featureStream, taylorFeatures',
    'featureStream({ features: taylorFeatures({ d: 64, degree: 1, scale: 1 / 8 }), dv: 64 })',
  ],
  anisotropic: () => [
    'anisotropicFeatures, featureStream',
    'featureStream({ features: anisotropicFeatures({ pilotKeys: keys, pilotQueries: queries, t: 256, scale: 1 / 8 }), dv: 64 })',
  ],
  balanceKv: ({ budget }) => ['balanceKv', `balanceKv({ ...head, seed: 1, budget: ${budget} })`],
  momentCoreset: ({ budget }) => [
    'momentCoreset, taylorFeatures',
    `momentCoreset({ features: taylorFeatures({ d: 64, degree: 1, scale: 1 / 8 }), dv: 64, seed: 1, budget: ${budget} })`,
  ],
  mergeReduce: () => ['catalogue', undefined],
  auto: ({ budgetBytes, tokens }) => [
    'autoStream',
    `autoStream({ ...head, budgetBytes: ${budgetBytes}, tokens: ${tokens} })`,
  ],
}

const literal = (options) =>
  `{ ${Object.entries(options)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(', ')} }`

function example(method, options) {
  const { name } = method
  const [imports, given] = CODE[name]?.(options) ?? ['policies', `policies.${name}(${literal(options)})(head)`]
  const named = given ?? 'method.make(head, options)'
  const found = given
    ? []
    : [
        `const method = catalogue.find(({ name }) => name === '${name}')!`,
        `const options = method.within(head, ${cacheBytes(EXAMPLE) / EXAMPLE.share}, { tokens: ${EXAMPLE.tokens} })!`,
      ]
  const asked = method.learns === 'queries' ? 'stream.step({ keys, values }, queries)' : 'stream.push({ keys, values })'
  const needs = ['matrix', 'normalise', ...imports.split(', ')].toSorted((a, b) => a.localeCompare(b))
  return [
    '```ts',
    `import { ${needs.join(', ')} } from '@sublinear/attention'`,
    '',
    'const head = { d: 64, dv: 64, scale: 1 / 8 }',
    'const wave = (step: number) => matrix(512, 64, Float32Array.from({ length: 512 * 64 }, (_, i) => Math.sin(i * step)))',
    'const [queries, keys, values] = [wave(0.37), wave(0.11), wave(0.053)]',
    '',
    ...found,
    `const stream = ${named}`,
    asked,
    'console.log(normalise(stream.attend(queries)).rows) // 512',
    'console.log(stream.bytes > 0) // true',
    '```',
  ].join('\n')
}

const cacheBytes = ({ d, dv, tokens }) => 4 * tokens * (d + dv)
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`

/** Table of the error at each share of the cache, or the reason why a share has none. */
function sizes(method) {
  const { d, dv, tokens } = EXAMPLE
  const shape = { d, dv, scale: 1 / 8 }
  const rows = [4, 8, 16, 32].map((share) => {
    const options = method.within(shape, cacheBytes(EXAMPLE) / share, { tokens })
    if (!options) return `| 1/${share} | ${method.learns === 'pilot' ? 'needs a pilot' : 'does not fit'} | – |`
    return `| 1/${share} | ${options.features ? 'features of the largest degree that fits' : `\`${literal(options)}\``} | ${kilobytes(method.bytes(shape, options, { tokens }))} |`
  })
  return ['| share of the float32 cache | options | held at most |', '| --- | --- | --- |', ...rows].join('\n')
}

const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length
const figure = (x) => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toPrecision(2))
const shareOf = (budget) => 1 / Number(budget.split('/')[1])

/** Mean errors of a board: by method and budget; undefined where a head has no result. */
function meansOf({ rows }) {
  const means = new Map()
  for (const { stream, budget, errors } of rows) {
    if (errors.includes(null)) continue
    means.set(budget, (means.get(budget) ?? new Map()).set(stream, mean(errors)))
  }
  return means
}

/** A row a model and share: error, place, best. */
function standing(board, name) {
  return board.models.flatMap(({ model, heads, uniform, rows }) => {
    const means = meansOf({ rows })
    const budgets = [...new Set(rows.map(({ budget }) => budget))]
    return budgets.map((budget) => {
      const here = [...(means.get(budget) ?? new Map())].toSorted(([, a], [, b]) => a - b)
      const place = here.findIndex(([stream]) => stream === name)
      const [best, least] = here[0]
      return {
        model,
        heads: heads.length,
        budget,
        error: here[place]?.[1],
        place,
        of: here.length,
        best,
        least,
        uniform: mean(uniform),
      }
    })
  })
}

function standingTable(found) {
  return [
    '| heads | share | its error | the best there | place |',
    '| --- | --- | --- | --- | --- |',
    ...found.map(
      ({ model, budget, error, isRun, best, least, place, of }) =>
        `| ${model} | ${budget} | ${error === undefined ? (isRun ? 'does not fit' : 'not run') : figure(error)} | \`${best}\`: ${figure(least)} | ${place < 0 ? '–' : `${place + 1} of ${of}`} |`,
    ),
  ].join('\n')
}

/** Sentences that say, from the board's numbers, where a method is good and where it loses. */
function verdict(found) {
  if (found.every(({ isRun }) => !isRun))
    return 'The board of all captured heads has not been run with this method yet.'
  const ran = found.filter(({ error }) => error !== undefined)
  const places = (list) =>
    list.length === found.length
      ? `all ${found.length} places`
      : list.map(({ model, budget }) => `${model} ${budget}`).join(', ')
  const near = ran.filter(({ error, least }) => error <= NEAR * least)
  const worse = ran.filter(({ error, uniform }) => error > uniform)
  const lost = ran.filter(({ error, least }) => error > 2 * least)
  const missing = found.length - ran.length
  return [
    near.length > 0
      ? `Its error is the least, or within a tenth of the least, in ${places(near)}.`
      : 'Its error is nowhere within a tenth of the least.',
    ...(lost.length > 0 ? [`Its error is more than twice the least in ${places(lost)}.`] : []),
    ...(worse.length > 0 ? [`It is worse than the mean of the values, a trivial answer, in ${places(worse)}.`] : []),
    ...(missing > 0 ? [`It does not fit in ${missing} of the ${found.length} places.`] : []),
  ].join(' ')
}

function picture(board, name) {
  const panels = board.models.map(({ model, heads, rows, uniform, sample }) => {
    const means = meansOf({ rows })
    const budgets = [...new Set(rows.map(({ budget }) => budget))]
    const line = (label, valueOf, dashed = false) => ({
      name: label,
      dashed,
      points: budgets.flatMap((budget, b) => {
        const value = valueOf(budget, b)
        return value === undefined ? [] : [[shareOf(budget), value]]
      }),
    })
    return {
      title: `${model}, ${heads.length} heads`,
      x: { label: 'share of the float32 cache', log: true, ticks: budgets.map(shareOf) },
      y: { label: 'relative error', log: true },
      lines: [
        line(name, (budget) => means.get(budget)?.get(name)),
        line('the best there', (budget) => Math.min(...means.get(budget).values())),
        line('a uniform sample', (_, b) => mean(sample[b]), true),
        line('the mean of the values', () => mean(uniform), true),
      ],
    }
  })
  return plot(`${name} at equal bytes`, panels)
}

/** The file that a method's record stands in. */
function sourceOf(name) {
  const paths = globSync('packages/*/src/**/*.ts', { cwd: root })
  const made = new RegExp(`\\b${name}Method\\b[^\\n]*= |export function ${name}Method\\b`)
  return paths.find((path) => made.test(readFileSync(root + path, 'utf8')))
}

/** The page of one method. */
export function methodPage(method, board) {
  const { name, source, learns, can } = method
  const options = method.within({ d: 64, dv: 64, scale: 1 / 8 }, cacheBytes(EXAMPLE) / EXAMPLE.share, {
    tokens: EXAMPLE.tokens,
  })
  const found = standing(board, name)
  const file = sourceOf(name)
  const home = file.split('/').slice(0, 2).join('/')
  return `# ${name}

${SENTENCES[name]}

- **Source:** ${source}.
- **Learns from:** ${LEARNS[learns]}
- **Features of a head that it supports**, beside plain softmax attention: ${can.length > 0 ? can.map((feature) => `\`${feature}\``).join(', ') : 'nothing'} ([what these are](../attention.md)).
- **Code:** [${relative(home, file)}](../../${file}) of [${home.split('/')[1]}](../../${home}/README.md).
- **Where it can be used:** ${'tierBytes' in method ? 'alone, or as a tier before other streams' : 'alone, or as the last part of tiers'}.

## Use

${example(method, options ?? {})}

On files, use \`npx sublinear attend q.npy k.npy v.npy --out o.npy --stream ${name} --check\`. To compare it, use \`npx sublinear compare q.npy k.npy v.npy --streams ${name},auto\`.

<!-- method:${name} -->

## Bytes

The table is for one head of width 64 and ${EXAMPLE.tokens} tokens:

${sizes(method)}

## How good it is, and where it loses

${verdict(found)}

![${name} at equal bytes](${name}.svg)

${standingTable(found)}

*sharp* and *bounded* are two small language models: scores of the first reach hundreds, those of the second stay below 6. Errors are ‖ô − o‖_F/‖o‖_F, means over ${found[0].heads} heads of a model, after 3584 tokens, for the next 512 queries. The [board](../../evidence/board/README.md) has all methods, and [Evidence](../evidence.md) has whole models.

<!-- /method -->

[All methods](../methods.md). This page is written by \`node tools/scripts/method-pages.mjs\`.
`
}

/** Every file of docs/methods by its name. */
export function methodFiles(methods) {
  const board = JSON.parse(readFileSync(root + BOARD, 'utf8'))
  return Object.fromEntries(
    methods.flatMap((method) => [
      [`${method.name}.md`, methodPage(method, board)],
      [`${method.name}.svg`, picture(board, method.name)],
    ]),
  )
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { catalogue } = await import('../../packages/attention/dist/index.js')
  mkdirSync(dirname(`${folder}x`), { recursive: true })
  for (const [name, text] of Object.entries(methodFiles(catalogue))) writeFileSync(folder + name, text)
}
