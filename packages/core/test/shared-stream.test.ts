// A shared stream over the least that a stream must have: no members but those of the contract. Kills: a member that is called although it may be absent, a stream that goes on by what only
// a fork should see, an answer by the tokens of another step.
import { expect, test } from 'vitest'
import { emptyPartial, matrix, sharedStream, type AttentionStream } from '../src'

/** A stream that answers with the number of its tokens. */
const counting = (given = 0, forks: { made: number } = { made: 0 }): AttentionStream => {
  let tokens = given
  const own: Partial<AttentionStream> = {
    get tokens() {
      return tokens
    },
    step(block, queries) {
      tokens += block.keys.rows
      const out = emptyPartial(queries.rows, 1)
      out.mass.fill(tokens)
      return out
    },
    fork() {
      forks.made++
      return counting(tokens, forks)
    },
  }
  return own as AttentionStream
}
const block = (rows: number) => ({ keys: matrix(rows, 2), values: matrix(rows, 1) })

test('steps, answers again by the same tokens, and ends', () => {
  const forks = { made: 0 }
  const stream = counting(0, forks)
  const shared = sharedStream(stream)
  expect(() => shared.again(matrix(3, 2))).toThrow(new RangeError('sharedStream: again follows a step, and no other tokens come between')) // prettier-ignore
  let tokens = 0
  for (const rows of [3, 1, 7]) {
    tokens += rows
    expect(shared.step(block(rows), matrix(rows, 2)).mass[0]).toBe(tokens)
    for (const asked of [rows, 2 * rows]) expect([...shared.again(matrix(asked, 2)).mass]).toEqual(Array.from({ length: asked }, () => tokens)) // prettier-ignore
    expect(stream.tokens).toBe(tokens)
  }
  expect(forks.made).toBe(9) // one before each step, and one for each answer
  stream.step(block(1), matrix(1, 2))
  expect(() => shared.again(matrix(7, 2))).toThrow(RangeError)
  shared[Symbol.dispose]()
  expect(() => shared.again(matrix(7, 2))).toThrow(RangeError)
})
