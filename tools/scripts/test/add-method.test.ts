// A method in a package that these ones know nothing of: one file, one line of a list, one line of tests. It is on the board, in attend, in openStream,
// in a stack, in the adviser's candidates, and held to the laws. Kills: a registry of names anywhere, a list that is not handed on to what is
// nested (a snapshot of tiers, a stack), candidates of the catalogue alone, a board row that is a name without a method.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attend, autoStream, catalogue, compare, createStream, layer, openStream, plan } from '@sublinear/attention'
import { decodeSnapshot, rowsOf, type Matrix, type Method } from '@sublinear/core'
import { autoMethod } from '@sublinear/kv-cache'
import { attentionStreamLaws, random } from '@sublinear/laws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ownMethod } from '../../../apps/cli/src/own-method'

/** The one file: a policy is a score, and the record follows from it. */
const FILE = `
import { scored, scoredMethod } from '@sublinear/kv-cache'

/** The tokens with the largest values: what they would add to an answer, whoever asks. */
export const valueNorm = scored({
  name: 'valueNorm',
  source: 'not from the papers',
  learns: 'nothing',
  score({ count, values }) {
    const { cols, data } = values()
    return Float64Array.from({ length: count }, (_, i) => Math.hypot(...data.subarray(i * cols, (i + 1) * cols)))
  },
})

export default scoredMethod(valueNorm)
`
const folder = fileURLToPath(new URL('.generated-method/', import.meta.url))
const file = join(folder, 'src/value-norm.ts')

const shape = { d: 8, dv: 4, scale: 0.35 }
const TOKENS = 600
const [queries, keys, values] = [random(TOKENS, 8, 1, 2), random(TOKENS, 8, 2, 2), random(TOKENS, 4, 3)]
const traffic = { tokens: TOKENS }
let mine: Method
let all: readonly Method[]

beforeAll(async () => {
  mkdirSync(join(folder, 'src'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "name": "scratch", "type": "module" }\n')
  writeFileSync(file, FILE)
  mine = await ownMethod(file) // as the command line finds it: --stream src/value-norm.ts
  all = [...catalogue, mine] // the one line
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const makeWide = () => mine.make({ d: 3, dv: 2, scale: 0.5 }, { count: 2 ** 12, buffer: 8 })
const norms = ({ rows, cols, data }: Matrix) =>
  Array.from({ length: rows }, (_, i) => Math.hypot(...data.subarray(i * cols, (i + 1) * cols)))
const whole = (stream: ReturnType<Method['make']>) => stream.step({ keys, values }, queries)

describe('a method of one file', () => {
  test('keeps what its score says, in the bytes that its record says', () => {
    const options = mine.within(shape, 4000, traffic)!
    const stream = mine.make(shape, options) as ReturnType<Method['make']> & { read(): { readonly values: Matrix } }
    whole(stream)
    expect(stream.bytes).toBeLessThanOrEqual(mine.bytes(shape, options, traffic))
    expect(mine.bytes(shape, options, traffic)).toBeLessThanOrEqual(4000)
    const kept = norms(stream.read().values)
    const { count, buffer } = options as { readonly count: number; readonly buffer: number }
    const seen = norms(rowsOf(values, 0, TOKENS - (((TOKENS - 1) % buffer) + 1))) // the others wait
    expect(kept.toSorted()).toEqual(
      seen
        .toSorted((a, b) => b - a)
        .slice(0, count)
        .toSorted(),
    )
  })

  test('stands on the board under its name', async () => {
    const head = { name: 'noise', queries, keys, values }
    const board = await compare({ heads: [head], methods: all, budgets: ['1/8'], prefix: 500 })
    expect(board.streams).toEqual([...catalogue.map(({ name }) => name), 'valueNorm'])
    const cell = board.heads[0].budgets[0].cells.at(-1)!
    expect([cell.stream, cell.outcome]).toEqual(['valueNorm', 'within'])
    expect(cell.errors!.relative).toBeGreaterThan(0)
  })

  test('answers in attend, for all heads of a layer', async () => {
    const options = mine.within(shape, 4000, traffic)!
    const heads = layer({ queryHeads: 2, kvHeads: 1, make: () => mine.make(shape, options) })
    const asked = random(TOKENS, 16, 4, 2)
    const parts: Matrix[] = []
    for await (const part of attend({ queries: asked, keys, values, stream: heads, causal: true })) parts.push(part)
    expect(parts.reduce((rows, part) => rows + part.rows, 0)).toBe(TOKENS)
    expect(parts.every(({ cols, data }) => cols === 8 && data.every(Number.isFinite))).toBe(true)
  })

  test('comes back from a snapshot, by itself and inside of tiers; unknown, it is named', () => {
    const alone = mine.make(shape, mine.within(shape, 4000, traffic)!)
    const kept = [{ by: 'valueNorm', share: 0.5, keyBits: 6, valueBits: 4 }]
    const stack = { window: 4, kept, rest: 'closure' }
    const inside = autoStream({ ...shape, budgetBytes: 6000, tokens: TOKENS, stack }, all)
    const stacked = [...all.filter(({ name }) => name !== 'auto'), autoMethod(all) as Method] // whose stacks may name it
    for (const [kind, stream, methods] of [
      ['valueNorm', alone, all],
      ['auto', inside, stacked],
    ] as const) {
      whole(stream)
      const bytes = stream.toBytes()
      expect(decodeSnapshot(bytes).kind).toBe(kind)
      const copy = openStream(bytes, methods)
      expect(copy.toBytes()).toEqual(bytes)
      expect(copy.attend(queries)).toEqual(stream.attend(queries))
    }
    expect(() => openStream(alone.toBytes())).toThrow('openStream: no stream of kind "valueNorm", known: exact, ')
  })

  test('is a candidate of the adviser, which makes its stream', async () => {
    const options = { ...shape, tokens: 5000, budgetBytes: 12_000, pilot: { queries, keys, values } }
    const asked = await plan({ ...options, methods: all })
    expect(asked.considered.map(({ name }) => name)).toContain('valueNorm')
    const only = await plan({ ...options, methods: [mine] })
    expect([only.method, only.evidence]).toEqual(['valueNorm', 'measured'])
    const stream = createStream(JSON.parse(JSON.stringify(only)) as typeof only, all)
    whole(stream)
    expect(stream.bytes).toBeLessThanOrEqual(12_000)
  })

  test('is held to the laws, in a line', () => {
    for (const law of attentionStreamLaws({ name: 'valueNorm', make: makeWide, restore: (b) => openStream(b, all) }))
      law.run()
  })
})
