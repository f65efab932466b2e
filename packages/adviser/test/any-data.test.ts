// Plans on data that are valid and strange: constant, zero, of rank 1, sparse, loud in few rows, huge, tiny, a token or two. Each has a verdict, no number in it
// is NaN, and an error that a plan measured is never of nothing. Kills: 0/0 where all outputs are 0, a Gaussian model of a covariance that has no
// inverse (queries of 1e30), a pilot of one row refused.
import { matrix, type Matrix } from '@sublinear/core'
import { catalogue, plan } from '@sublinear/attention'
import { describe, expect, test } from 'vitest'

type Entry = (row: number, col: number) => number
let state = 7
const noise = () => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0
  return (state >>> 8) / 2 ** 23 - 1
}
const made = (rows: number, cols: number, entry: Entry): Matrix =>
  matrix(
    rows,
    cols,
    Float32Array.from({ length: rows * cols }, (_, i) => entry(Math.floor(i / cols), i % cols)),
  )
const plain: Entry = () => 2 * noise()
const same: Entry = (_, col) => col + 0.5
const zero: Entry = () => 0
const line: Entry = (row, col) => Math.sin(row) * (col + 1)
const few: Entry = (row) => (row % 97 === 3 ? 4 * noise() : 0)

/** Queries, keys, values. */
const kinds: Readonly<Record<string, readonly [Entry, Entry, Entry]>> = {
  constant: [same, same, same],
  'equal keys': [plain, same, plain],
  'equal values': [plain, plain, same],
  'values of 0': [plain, plain, zero],
  'nothing but 0': [zero, zero, zero],
  'queries of 0': [zero, plain, plain],
  'rank 1': [line, line, line],
  sparse: [few, few, few],
  'loud queries': [few, plain, plain],
  huge: [() => 1e6 * noise(), () => 1e6 * noise(), () => 1e12 * noise()],
  tiny: [() => 1e-20 * noise(), () => 1e-20 * noise(), () => 1e-30 * noise()],
}

/** Where methods are run on the pilot, too, which takes longer. */
const RUN: ReadonlySet<string> = new Set(['values of 0', 'rank 1', 'loud queries'])

/** Every number of plain JSON. */
function* numbersOf(value: unknown): Generator<number> {
  if (typeof value === 'number') yield value
  else if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) yield* numbersOf(one)
}

describe.each(Object.keys(kinds))('%s', (kind) => {
  test.each([
    [40, 'rows'],
    [41, 'columns'],
    ...(RUN.has(kind) ? ([[300, 'causal']] as const) : []),
    [2, 'causal'],
    [1, 'rows'],
  ] as const)('%i tokens, %s', async (tokens, task) => {
    state = tokens
    const [queries, keys, values] = kinds[kind].map((entry, i) => made(tokens, i === 2 ? 3 : 4, entry))
    const chosen = catalogue.filter(({ name }) => ['exact', 'window', 'mean', 'closure', 'taylor'].includes(name))
    const one = await plan({
      methods: chosen,
      pilot: { queries, keys, values },
      tokens,
      d: 4,
      dv: 3,
      scale: 0.5,
      task,
      epsilon: 0.1,
      ...(task === 'columns' && { k: 2 }),
    })
    expect([...numbersOf(one)].filter(Number.isNaN)).toEqual([])
    expect(one.advice).not.toMatch(/NaN|undefined|Infinity/)
    expect(['ok', 'dominated', 'vacuous', 'infeasible']).toContain(one.verdict)
    if (tokens < 3) expect([one.method, one.verdict]).toEqual(['exact', 'dominated'])
  })
})
