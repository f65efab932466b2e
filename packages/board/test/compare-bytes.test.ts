// compare: contestants within their bytes, and contestants whose crimes are known beforehand.
// Kills: a budget looked at only at the end or only by what a stream says, a cheat whose errors enter the means, shares of all tokens instead
// of the prefix, a placeholder for a snapshot taken for one.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { catalogue } from '@sublinear/attention'
import { emptyPartial, type Matrix } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { decodeNpy } from '@sublinear/io'
import { boardMeans, compare, type BoardHead, type BoardStream } from '../src'
import { answering, methodsOf, only, type Make } from './known-answers'
import { dv, head, lastValue, prefix } from './known-head'

/** The first tokens of a captured head. */
const sampleOf = (model: string): BoardHead => {
  const part = (name: string, count: number): Matrix => {
    const path = fileURLToPath(new URL(`../../../apps/cli/data/${model}-${name}.npy`, import.meta.url))
    const { data } = decodeNpy(readFileSync(path))
    return { rows: count, cols: 32, data: Float32Array.from(data.subarray(0, count * 32) as Float32Array) }
  }
  return { name: model, queries: part('q', 1024), keys: part('k', 1024), values: part('v', 1024) }
}

/** Exact, with whatever it says of its bytes, and a snapshot of so many. */
const spell =
  (when: (pushed: number) => number, saved = 0): Make =>
  (shape) => {
    const inner = exactStream(shape)
    let pushed = 0
    return {
      get bytes() {
        return when(pushed)
      },
      push: (block) => void ((pushed += block.keys.rows), inner.push(block)),
      attend: (queries) => inner.attend(queries),
      toBytes: () => new Uint8Array(8 + saved),
    }
  }

describe('bytes', () => {
  test('every method of the catalogue stays within its budget, and those of tokens use it', async () => {
    const board = await compare({
      heads: [sampleOf('sharp'), sampleOf('bounded')],
      methods: catalogue,
      budgets: ['1/2', '1/8', 40_001],
      prefix: 960,
    })
    const cache = 4 * 960 * 64
    for (const { budgets, cacheBytes } of board.heads) {
      expect(cacheBytes).toEqual({ float32: cache, float16: cache / 2 })
      expect(budgets.map(({ bytes }) => bytes)).toEqual([cache / 2, cache / 8, 40_001])
      for (const { bytes, cells } of budgets) {
        for (const { stream, outcome, peakBytes } of cells) {
          expect([stream, ['within', 'does not fit'].includes(outcome)]).toEqual([stream, true])
          if (outcome === 'within') expect(peakBytes).toBeLessThanOrEqual(bytes)
          if (['window', 'streamingLlm', 'h2o', 'farKeys'].includes(stream))
            expect(peakBytes).toBeGreaterThan(bytes - 600)
        }
      }
    }
    expect(only(board)).toEqual({ stream: 'exact', outcome: 'does not fit' })
  })

  test('a stream that holds too much at any time is reported, and enters no mean', async () => {
    const streams = {
      honest: spell(() => 500, 500),
      brief: spell((pushed) => (pushed === 20 ? 501 : 8)),
      liar: spell(() => 8, 501),
      throws: () => {
        throw new Error('out of luck')
      },
      silent: answering(() => [NaN, 0]),
      nameless: () => ({ push: () => {}, attend: () => emptyPartial(1, dv) }) as unknown as BoardStream,
      none: () => undefined,
    }
    const board = await compare({ heads: [head], methods: methodsOf(streams), budgets: [500], prefix, block: 10 })
    const { cells } = board.heads[0].budgets[0]
    const by = Object.fromEntries(cells.map((cell) => [cell.stream, cell]))
    expect(by['honest']).toMatchObject({ outcome: 'within', bytes: 500, peakBytes: 500 })
    expect(by['brief']).toMatchObject({
      outcome: 'over',
      peakBytes: 501,
      bytes: 8,
      why: 'it held 501 bytes in a budget of 500',
    })
    expect(by['liar']).toMatchObject({
      outcome: 'over',
      bytes: 501,
      why: 'its snapshot holds 501 bytes where it says 8, in a budget of 500',
    })
    expect(by['throws']).toEqual({ stream: 'throws', outcome: 'failed', why: 'out of luck' })
    expect(by['silent']).toMatchObject({ outcome: 'failed', why: 'it answered what is no finite number' })
    expect(by['nameless']).toMatchObject({ outcome: 'failed', why: expect.stringContaining('bytes of a stream') })
    expect(by['none']).toEqual({ stream: 'none', outcome: 'does not fit' })
    const means = boardMeans(board)[0].streams
    expect(means.filter(({ error }) => error !== undefined).map(({ stream }) => stream)).toEqual(['honest'])
    expect(means.map(({ outcome }) => outcome)).toEqual(cells.map(({ outcome }) => outcome))
  })

  test('a snapshot that is none stops nobody: the cell says that there was nothing to look at', async () => {
    const placeholders = {
      empty: new Uint8Array(0),
      short: new Uint8Array(7),
      noise: new Uint8Array(100).fill(255),
      none: undefined as unknown as Uint8Array,
    }
    const makes = Object.entries(placeholders).map(
      ([name, saved]) => [name, answering(lastValue, { toBytes: () => saved })] as const,
    )
    const throwing = answering(lastValue, {
      toBytes() {
        throw new Error('not yet')
      },
    })
    const methods = methodsOf({ without: answering(lastValue), throwing, ...Object.fromEntries(makes) })
    const board = await compare({ heads: [head], methods, budgets: [500], prefix })
    for (const cell of board.heads[0].budgets[0].cells)
      expect(cell).toMatchObject({
        outcome: 'within',
        bytes: 8,
        why: 'it gives no snapshot: what it holds is its own word',
        errors: only(board).errors,
      })
  })
})
