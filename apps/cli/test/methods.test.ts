// Every method of the catalogue through every command, and a method of a user's own from a folder that has no packages.
// Kills: a method that compare shows and another command does not take, a row under another name, packages found only inside the clone (also in the
// threads of needle), a module's own package passed over, a snapshot of an own stream that stops the board.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { catalogue } from '@sublinear/attention'
import type { Board } from '@sublinear/board'
import { encodeNpy } from '@sublinear/io'
import { random } from '@sublinear/laws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Evaluation } from '../src/evaluation/results'
import { nearest } from '@sublinear/core'
import { callSublinear } from './call-sublinear'
import { runSublinear } from './run-sublinear'

const romans = readFileSync(new URL('../../../packages/small-lm/data/romans.txt', import.meta.url), 'utf8')
let folder: string
const at = (name: string) => join(folder, name)
const names = catalogue.map(({ name }) => name)

const sublinear = (args: readonly string[]) => callSublinear(args, folder)
/** The command in a process of its own, where modules of users are loaded. */
const ran = (args: readonly string[]) => runSublinear(args, { cwd: folder })

const n = 200
const files = ['--queries', 'q.npy', '--keys', 'k.npy', '--values', 'v.npy']
const needle = [
  'needle',
  '--models',
  'sharp',
  '--lengths',
  '200',
  '--contexts',
  '1',
  '--depths',
  '0.5',
  '--distractors',
  '0',
]

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-methods-'))
  for (const [i, name] of ['q', 'k', 'v'].entries()) writeFileSync(at(`${name}.npy`), encodeNpy(random(n, 8, i)))
  writeFileSync(at('text.txt'), romans.slice(0, 400))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('every method of the catalogue', () => {
  test.each(names)('%s attends and reads', async (name) => {
    const attended = await sublinear(['attend', ...files, '--out', `${name}.npy`, '--stream', name, '--json'])
    expect(attended).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(attended.stdout)).toMatchObject({ stream: name, tokens: n })
    const read = await sublinear(['read', 'text.txt', '--stream', name, '--json'])
    expect(read).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(read.stdout)).toMatchObject({ stream: name, answers: [] })
  })

  test('stands in compare, needle and perplexity, without being asked for', async () => {
    const compared = await sublinear(['compare', 'q.npy', 'k.npy', 'v.npy', '--budgets', '2/1', '--json'])
    const board = JSON.parse(compared.stdout) as Board
    const outcomes = board.heads[0].budgets[0].cells.map(({ stream, outcome }) => [stream, outcome])
    expect(outcomes).toEqual(names.map((name) => [name, 'within']))
    const sizes = ['--models', 'sharp', '--lengths', '200', '--budgets', '1', '--workers', '2', '--json']
    for (const args of [
      [...needle, ...sizes],
      ['perplexity', ...sizes, '--windows', '1'],
    ]) {
      const { code, stdout, stderr } = await sublinear(args)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const { cells } = JSON.parse(stdout) as Evaluation
      expect(cells.map(({ method, outcome }) => [method, outcome])).toEqual(names.map((name) => [name, 'within']))
    }
  })
})

/** The newest tokens, by packages that no folder above the module has. */
const ours = `import { policies } from '@sublinear/attention'
import { bufferWithin } from '@sublinear/kv-cache'
export const learns = 'pilot'
export default (shape, budgetBytes, tokens, pilot) => {
  if (pilot.keys.cols !== shape.d) throw new Error('no pilot')
  const buffer = bufferWithin(budgetBytes, shape)
  const count = Math.floor(budgetBytes / (4 * (shape.d + shape.dv))) - buffer
  return policies.window({ count, buffer })(shape)
}
`

describe("a method of one's own, outside the clone", () => {
  test('imports our packages, and runs in every command as window does', async () => {
    writeFileSync(at('newest.mjs'), ours)
    for (const args of [
      ['attend', ...files, '--out', 'o.npy', '--hold', '50'],
      ['read', 'text.txt', '--hold', '50'],
    ]) {
      const [own, built] = await Promise.all(
        ['newest.mjs', 'window'].map((stream) =>
          ran([...args, '--stream', stream, '--json', ...(args[0] === 'attend' ? ['--out', `${stream}.npy`] : [])]),
        ),
      )
      expect(own).toMatchObject({ code: 0, stderr: '' })
      const [mine, theirs] = [own, built].map(({ stdout }) => JSON.parse(stdout))
      expect(mine).toMatchObject({ stream: 'newest', bytes: theirs.bytes, tokens: theirs.tokens })
    }
    expect(readFileSync(at('newest.mjs.npy'))).toEqual(readFileSync(at('window.npy')))
    const both = ['--streams', 'window', '--stream', 'newest.mjs']
    const board = await ran(['compare', 'q.npy', 'k.npy', 'v.npy', ...both, '--budgets', '1/4', '--json'])
    const [window, newest] = (JSON.parse(board.stdout) as Board).heads[0].budgets[0].cells
    expect(newest).toMatchObject({ outcome: 'within', bytes: window.bytes, errors: window.errors })
    const recalled = await ran([...needle, ...both, '--budgets', '1/4', '--workers', '2', '--json'])
    expect(recalled).toMatchObject({ code: 0, stderr: '' })
    const [first, second] = (JSON.parse(recalled.stdout) as Evaluation).cells
    expect(second).toMatchObject({ method: 'newest', outcome: 'within', peakBytes: first.peakBytes })
    expect(second.needles!.answers).toEqual(first.needles!.answers)
  })

  test('may be a whole method, under its own name', async () => {
    writeFileSync(
      at('whole.mjs'),
      "import { policies } from '@sublinear/attention'\nexport default { ...policies.sinksMethod, name: 'first' }\n",
    )
    const { stdout } = await ran([
      'attend',
      ...files,
      '--out',
      'w.npy',
      '--stream',
      './whole.mjs',
      '--hold',
      '99',
      '--json',
    ])
    expect(JSON.parse(stdout)).toMatchObject({ stream: 'first', hold: 99 })
  })

  test('a package of its own comes first; one that is nowhere is named', async () => {
    mkdirSync(at('node_modules/@sublinear/attention'), { recursive: true })
    writeFileSync(at('node_modules/@sublinear/attention/package.json'), '{"type":"module","exports":"./index.js"}')
    writeFileSync(at('node_modules/@sublinear/attention/index.js'), "throw new Error('this very one')")
    writeFileSync(at('shadowed.mjs'), "import '@sublinear/attention'\nexport default () => undefined\n")
    const shadowed = await ran(['attend', ...files, '--out', 's.npy', '--stream', 'shadowed.mjs'])
    expect(shadowed).toMatchObject({ code: 2, stderr: expect.stringContaining('this very one') })
    rmSync(at('node_modules'), { recursive: true })
    writeFileSync(at('lost.mjs'), "import '@sublinear/nowhere'\nexport default () => undefined\n")
    const lost = await ran(['attend', ...files, '--out', 's.npy', '--stream', 'lost.mjs'])
    expect(lost).toMatchObject({ code: 2, stderr: expect.stringContaining("Cannot find package '@sublinear/nowhere'") })
  })

  test('without a snapshot, or with a placeholder, it is a row all the same', async () => {
    writeFileSync(
      at('holder.mjs'),
      `export default (shape) => ({
        bytes: 8,
        push() {},
        attend: ({ rows }) => ({ max: new Float32Array(rows), mass: new Float64Array(rows).fill(1), sum: { rows, cols: shape.dv, data: new Float32Array(rows * shape.dv) } }),
        toBytes: () => new Uint8Array(0),
      })\n`,
    )
    const { code, stdout } = await ran([
      'compare',
      'q.npy',
      'k.npy',
      'v.npy',
      '--streams',
      'mean',
      '--stream',
      'holder.mjs',
      '--json',
    ])
    expect(code).toBe(0)
    const cells = (JSON.parse(stdout) as Board).heads[0].budgets.map((budget) => budget.cells[1])
    for (const cell of cells)
      expect(cell).toMatchObject({ stream: 'holder', outcome: 'within', errors: { relative: 1 } })
  })
})

test('the nearest name is the one with the fewest letters changed', () => {
  expect(['windw', 'FARCLOSURE', 'streaming', 'h20', 'snapkv'].map((word) => nearest(word, names))).toEqual(['window', 'farClosure', 'streamingLlm', 'h2o', 'snapKv']) // prettier-ignore
})
