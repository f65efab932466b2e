// Examples of the pages run on the sources. Kills: an output that is not what the page says, an example that throws, a line whose output is left out.
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docstringExamples, type Example, examples, squeeze } from '../examples.mjs'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const generated = fileURLToPath(new URL('.generated', import.meta.url))
beforeAll(() => mkdirSync(generated, { recursive: true }))
afterAll(() => rmSync(generated, { recursive: true, force: true }))

/** Runs a block on the sources and returns what each of its annotated lines printed. */
async function run({ name, code }: Example) {
  const file = join(generated, `${name.replaceAll(/[^\w-]+/g, '_')}.ts`)
  const printed: string[][] = []
  Object.assign(globalThis, {
    printed: (line: number, ...values: unknown[]) => (printed[line] ??= []).push(format(...values)),
  })
  writeFileSync(file, `${code}\nexport {}\n`)
  await import(/* @vite-ignore */ file)
  return printed.map((outputs) => squeeze(outputs.join(' ')))
}

async function verify(example: Example) {
  const printed = await run(example)
  for (const { line, index, text } of example.expected) {
    expect.soft(printed[index], `${example.name}, line ${line} of the page`).toBe(text)
  }
}

const found = examples(root)
describe.runIf(found.length > 0)('the examples of the READMEs print what they say', () => {
  test.each(found.map((example) => [example.name, example] as const))('%s', async (_, example) => verify(example))
})

const short = docstringExamples(root)
describe('the examples of docstrings give what they say, in three lines', () => {
  test.each(short.map((example) => [example.name, example] as const))('%s', async (_, example) => {
    expect(example.lines).toBeLessThanOrEqual(3)
    await verify(example)
  })

  test('what users pick alone has one', () => {
    expect(short.length).toBeGreaterThan(60)
    const files = new Set(short.map(({ name }) => name.split(':')[0]))
    const picked = [
      ...globSync('packages/kv-cache/src/policies/*.ts', { cwd: root }),
      ...globSync('packages/poly-features/src/*-features.ts', { cwd: root }),
      ...globSync('packages/{hash-families,ams-sketch,gaussian-sketch,sparse-sketch}/src/*-{hash,signs,sketch}.ts', {
        cwd: root,
      }),
    ].map((path) => path.replaceAll('\\', '/'))
    expect(picked.length).toBeGreaterThan(30)
    expect(picked.filter((path) => !files.has(path) && !INSIDE.test(path))).toEqual([])
  })
})

/** Parts of a policy or of a hash, and what restores a map. */
const INSIDE = /(sip-hash|ada-kv|distance-heap|fading|merge-closest|merge-many|weighted-sample|restore-features)\.ts$/

// The reader of pages itself, against a page whose outputs are known. Kills: a fence of another language taken,
// a comment not compared, outputs of one line ascribed to another, a loop's outputs after the first dropped.
describe('the reader of examples', () => {
  const page = [
    '```ts',
    'const unrelated = 1 // no import from us',
    '```',
    '```js',
    "import { matrix } from '@sublinear/core'",
    '```',
    '- a list',
    '  ```ts',
    "  import type { Matrix } from '@sublinear/core'",
    '  const m: Matrix = { rows: 1, cols: 2, data: new Float32Array([0.5,  2]) }',
    '  console.log(m.data, m.rows)   // Float32Array(2) [ 0.5, 2 ] 1',
    '  for (const x of m.data) console.log(x) // 0.5 2',
    '  console.log(m.cols) // 3',
    '  ```',
  ].join('\n')

  test('takes ts blocks with an import, compares line by line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'examples-'))
    mkdirSync(join(folder, 'packages/x'), { recursive: true })
    writeFileSync(join(folder, 'packages/x/README.md'), page)
    const [example, ...others] = examples(folder)
    rmSync(folder, { recursive: true })
    if (!example) throw new Error('no example found')
    expect(others).toEqual([])
    expect(example).toMatchObject({ name: 'packages/x/README.md #1', first: 9 })
    expect(example.expected.map(({ line, text }) => [line, text])).toEqual([
      [11, 'Float32Array(2) [ 0.5, 2 ] 1'],
      [12, '0.5 2'],
      [13, '3'],
    ])
    const printed = await run({ ...example, name: dirname(example.name) })
    expect(example.expected.map(({ index }) => printed[index])).toEqual(['Float32Array(2) [ 0.5, 2 ] 1', '0.5 2', '2'])
  })
})
