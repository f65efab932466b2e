// Contestants that break the rules of the board by what they return and do, beside an honest one whose cell must not change by a bit.
// Kills: answers of fewer rows taken for zeros, a mass that is no number taken for an answer of 0, blocks, pilot or shape shared with the
// others (the next one then answers from what is left of them), a dispose that throws and stops the board.
import { random } from '@sublinear/laws'
import { expect, test } from 'vitest'
import { emptyPartial } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { boardMethod, compare, type BoardMethodOptions, type BoardStream } from '../src'

type Make = BoardMethodOptions['make']

const head = { name: 'h', queries: random(180, 3, 1), keys: random(90, 3, 2), values: random(90, 2, 3) }

/** Exact but for a change. */
const exactBut =
  (change: (inner: BoardStream, given: Parameters<Make>) => Partial<BoardStream>): Make =>
  (...given) => {
    const inner = exactStream(given[0])
    return {
      bytes: 8,
      push: (block) => inner.push(block),
      attend: (queries) => inner.attend(queries),
      step: (block, queries) => inner.step(block, queries),
      ...change(inner, given),
    }
  }

async function cellsOf(streams: Record<string, Make>) {
  const methods = Object.entries(streams).map(([name, make]) => boardMethod({ name, make }))
  const board = await compare({ heads: [head], methods, budgets: [100], prefix: 70, block: 16 })
  return board.heads[0].budgets[0].cells
}

test.each<[string, Make, string]>([
  [
    'too few rows',
    exactBut((inner) => ({ step: (block, queries) => (inner.push(block), emptyPartial(queries.rows - 1, 2)) })),
    'compare: answers of a stream must be 32 x 2, got 31 x 2',
  ],
  [
    'other columns',
    exactBut((inner) => ({ step: (block, queries) => (inner.push(block), emptyPartial(queries.rows, 1)) })),
    'compare: answers of a stream must be 32 x 2, got 32 x 1',
  ],
  [
    'a mass that is no number',
    exactBut((inner) => ({
      step(block, queries) {
        const answer = inner.step!(block, queries)
        return { ...answer, mass: answer.mass.map((x, r) => (r === 1 ? NaN : x)) }
      },
    })),
    'it answered what is no finite number',
  ],
  ['no partial', exactBut(() => ({ step: () => undefined as never })), 'normalise: partial must be an object'],
])('%s: failed', async (_, stream, why) => {
  const [cell] = await cellsOf({ stream })
  expect(cell).toMatchObject({ outcome: 'failed', why: expect.stringContaining(why) })
})

test('what a contestant does to what it is given, and how it ends, is nothing to the others', async () => {
  const honest = exactBut(() => ({}))
  const vandal = exactBut((inner, [shape, , , pilot]) => {
    for (const { data } of [pilot!.queries, pilot!.keys, pilot!.values]) data.fill(9)
    Object.assign(shape, { d: 1, dv: 1, scale: 7 })
    return {
      push: ({ keys, values }) => void (keys.data.fill(9), values.data.fill(9), inner.push({ keys, values })),
      step({ keys, values }, queries) {
        for (const { data } of [keys, values, queries]) data.fill(9)
        return inner.step!({ keys, values }, queries)
      },
      [Symbol.dispose]() {
        throw new Error('no')
      },
    }
  })
  const [first, bad, last] = await cellsOf({ first: honest, vandal, last: honest })
  expect(first.errors!.relative).toBeLessThan(1e-6)
  expect(bad.errors!.relative).toBeGreaterThan(1)
  expect({ ...last, stream: 'first' }).toEqual(first)
})
