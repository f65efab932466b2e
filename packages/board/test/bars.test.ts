// Coverage of error bars on the board, of a stream whose errors and bars are known. Kills: rows with a flag counted, bars of one standard error or of two, coverage of the wrong rows
// where blocks are cut, bars of the last block alone, streams without bars that fail or are given some, answers that change when bars are asked for, a mean over heads that
// hides one.
import { emptySpread } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { windowMethod } from '@sublinear/kv-cache'
import { expect, test } from 'vitest'
import { boardMeans, compare } from '../src'
import { methodsOf, only, type Make } from './known-answers'
import { dv, groups, head, n, prefix } from './known-head'

const SE = 0.1
/** Off by so many standard errors, by row of the judged queries: within 1.96 in two of four, just so in one. */
const OFF = [0, 1.9, 2.05, 5]

/** Exact answers moved by known parts of a known standard error; every fifth row has a flag. */
const known: Make = (shape) => {
  const inner = exactStream(shape)
  let row = 0
  return {
    bytes: 0,
    errorBars: true,
    push: (block) => inner.push(block),
    attend: (queries) => inner.attend(queries),
    step(block, queries, into) {
      const partial = inner.step(block, queries)
      const spread = emptySpread(queries.rows, dv)
      for (let r = 0; r < queries.rows; r++, row++) {
        for (let i = r * dv; i < (r + 1) * dv; i++) {
          partial.sum.data[i] += OFF[row % 4] * SE * partial.mass[r]
          spread.squares[i] = (SE * partial.mass[r]) ** 2
        }
        spread.level[r] = partial.max[r]
        spread.flags[r] = row % 5 === 0 ? 1 : 0
      }
      return into === undefined ? partial : { ...partial, spread }
    },
  }
}
const plain: Make = (shape) => exactStream(shape)
const judged = (n - prefix) * groups

test.each([1, 7, 64])('are counted by entries of rows without a flag, in blocks of %i', async (block) => {
  const options = { heads: [head], methods: methodsOf({ known }), budgets: ['1/2'], prefix, block }
  const { bars, errors } = only(await compare({ ...options, errorBars: true }))
  const open = Array.from({ length: judged }, (_, r) => r).filter((r) => r % 5 !== 0)
  expect(bars?.covered).toBeCloseTo(open.filter((r) => OFF[r % 4] < 1.96).length / open.length, 9)
  expect(bars?.flagged).toBeCloseTo(1 - open.length / judged, 9)
  expect(bars?.width).toBeGreaterThan(0.1)
  const without = only(await compare(options))
  expect(without.bars).toBeUndefined()
  expect(without.errors).toEqual(errors)
})

test('of streams that give none are absent, and nothing else changes', async () => {
  const methods = [...methodsOf({ plain }), windowMethod]
  const options = { heads: [head], methods, budgets: ['1/2'], prefix }
  const [board, asked] = [await compare(options), await compare({ ...options, errorBars: true })]
  const [own, window] = asked.heads[0].budgets[0].cells
  expect(own.bars).toMatchObject({ covered: 1, flagged: 0 }) // exact: bars of width 0 cover themselves
  expect({ ...own, bars: undefined }).toEqual({ ...board.heads[0].budgets[0].cells[0], bars: undefined })
  expect(window.errors).toEqual(board.heads[0].budgets[0].cells[1].errors)
})

const bars = (covered: number | undefined, flagged: number) => ({
  width: 1,
  flagged,
  ...(covered !== undefined && { covered }),
})

test('are means over the heads, beside the worst one', async () => {
  const board = await compare({
    heads: [head],
    methods: methodsOf({ known }),
    budgets: ['1/2'],
    prefix,
    errorBars: true,
  })
  const of = (...list: ReturnType<typeof bars>[]) =>
    boardMeans({
      ...board,
      heads: list.map((own) => ({
        ...board.heads[0],
        budgets: [{ ...board.heads[0].budgets[0], cells: [{ ...only(board), outcome: 'within' as const, bars: own }] }],
      })),
    })[0].streams[0].bars
  expect(of(bars(1, 0), bars(0.5, 0.5), bars(undefined, 1))).toEqual({ covered: 0.75, worst: 0.5, flagged: 0.5, width: 1 }) // prettier-ignore
  expect(of(bars(undefined, 1))).toEqual({ flagged: 1, width: 1 })
})
