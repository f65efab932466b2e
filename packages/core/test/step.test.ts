// The generic causal step against a stream that writes down what it is asked. Kills: attend before push, groups in the wrong order,
// a weight of another token, answers put at the wrong row, checks after the first push.
import { describe, expect, it } from 'vitest'
import { emptyPartial, matrix, queryGroups, stepByToken, type KvBlock, type PartialSoftmax } from '../src'

/** Remembers the first key entry of every token; answers a query row with (count, its own entry, sum of weighted keys). */
function recorder() {
  const calls: string[] = []
  let [count, total] = [0, 0]
  return {
    calls,
    d: 1,
    dv: 2,
    push({ keys, weights }: KvBlock) {
      calls.push(`push ${[...keys.data]} ${weights ? [...weights] : 'unweighted'}`)
      count += keys.rows
      total += keys.data[0] * (weights?.[0] ?? 1)
    },
    attend(queries: ReturnType<typeof matrix>): PartialSoftmax {
      calls.push(`attend ${[...queries.data]}`)
      const out = emptyPartial(queries.rows, 2)
      for (let r = 0; r < queries.rows; r++) {
        out.max[r] = count
        out.mass[r] = queries.data[r]
        out.sum.data.set([total, queries.data[r]], r * 2)
      }
      return out
    },
  }
}

const groups = (tokens: number, rows: number) =>
  queryGroups('f', { keys: matrix(tokens, 1), values: matrix(tokens, 1) }, matrix(rows, 1))

describe('stepByToken', () => {
  const keys = matrix(3, 1, Float32Array.of(1, 2, 3))
  const queries = matrix(6, 1, Float32Array.of(10, 11, 20, 21, 30, 31))

  it('pushes a token, then asks its queries', () => {
    const stream = recorder()
    const weights = Float32Array.of(1, 2, 0.5)
    const { max, mass, sum } = stepByToken(stream, { keys, values: matrix(3, 2), weights }, queries)
    expect(stream.calls).toEqual(['push 1 1', 'attend 10,11', 'push 2 2', 'attend 20,21', 'push 3 0.5', 'attend 30,31'])
    expect([...max]).toEqual([1, 1, 2, 2, 3, 3])
    expect([...mass]).toEqual([10, 11, 20, 21, 30, 31])
    expect([...sum.data]).toEqual([1, 10, 1, 11, 5, 20, 5, 21, 6.5, 30, 6.5, 31])
  })

  it('leaves weights out where there are none, and does nothing for an empty block', () => {
    const stream = recorder()
    stepByToken(stream, { keys, values: matrix(3, 2) }, matrix(3, 1))
    expect(stream.calls[0]).toBe('push 1 unweighted')
    const empty = stepByToken(recorder(), { keys: matrix(0, 1), values: matrix(0, 2) }, matrix(0, 1))
    expect([empty.max.length, empty.mass.length, empty.sum.rows, empty.sum.cols]).toEqual([0, 0, 0, 2])
  })

  it('refuses before it pushes', () => {
    const stream = recorder()
    const block = { keys, values: matrix(3, 2) }
    expect(() => stepByToken(stream, block, matrix(4, 1))).toThrow(
      'step: queries must have a whole number of rows for each of the 3 tokens, got 4',
    )
    expect(() => stepByToken(stream, block, matrix(3, 1, Float32Array.of(0, 0, NaN)))).toThrow(
      'step: queries must be finite',
    )
    expect(() => stepByToken(stream, { ...block, values: matrix(2, 2) }, matrix(3, 1))).toThrow(
      'step: values must have 3 rows',
    )
    expect(stream.calls).toEqual([])
  })

  it('queryGroups is a whole number ≥ 1', () => {
    expect([groups(3, 3), groups(3, 6), groups(1, 5), groups(0, 0)]).toEqual([1, 2, 5, 1])
    for (const [tokens, rows] of [
      [3, 2],
      [3, 0],
      [0, 1],
      [2, 5],
    ] as const)
      expect(() => groups(tokens, rows)).toThrow(RangeError)
  })

  it('emptyPartial is (−∞, 0, 0)', () => {
    const { max, mass, sum } = emptyPartial(2, 3)
    expect([...max, ...mass, ...sum.data]).toEqual([-Infinity, -Infinity, 0, 0, 0, 0, 0, 0, 0, 0])
  })
})
