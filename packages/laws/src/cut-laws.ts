import { stepByToken, type AttentionStream, type KvBlock, type Matrix, type PartialSoftmax } from '@sublinear/core'
import fc from 'fast-check'
import { close, insist, law, sameBits, type Law } from './law'
import type { StreamCase } from './stream-case'
import { answerOf, pieces, randomTokens } from './token-data'

/** Bound on scores far beyond what an approximation is made for: what is equal must stay equal there, too. */
export const WILD = 40

/** Numbers of rows of pieces, taken in turn. */
export const sizes = fc.array(fc.constantFrom(0, 1, 2, 5, 63, 64, 65, 200), { minLength: 1, maxLength: 4 })
export const input = fc.record({
  n: fc.constantFrom(0, 1, 2, 63, 64, 65, 128, 129, 300),
  seed: fc.nat(),
  weighted: fc.boolean(),
})

/** Queries of tokens from … to − 1. */
export const queriesOf = ({ cols, data }: Matrix, groups: number, from: number, to: number): Matrix => ({
  rows: (to - from) * groups,
  cols,
  data: data.subarray(from * groups * cols, to * groups * cols),
})

export function samePartial(got: PartialSoftmax, wanted: PartialSoftmax, what: string): void {
  sameBits(got.max, wanted.max, `${what}, max`)
  sameBits(got.mass, wanted.mass, `${what}, mass`)
  sameBits(got.sum.data, wanted.sum.data, `${what}, sum`)
}

export function closePartial(got: PartialSoftmax, wanted: PartialSoftmax, most: number, what: string): void {
  const [a, b] = [answerOf(got), answerOf(wanted)]
  close(a.averages, b.averages, most, `${what}, averages`)
  const reach = b.levels.reduce((top, level) => (level === -Infinity ? top : Math.max(top, Math.abs(level))), 1)
  close(a.levels, b.levels, most * reach, `${what}, log mass`)
}

export function pushed(stream: AttentionStream, block: KvBlock, cut: readonly number[] = [block.keys.rows]) {
  for (const { piece } of pieces(block, cut)) stream.push(piece)
  return stream
}

/** Laws of independence: answers do not depend on how the input was cut, on what comes later, or on being asked. */
export function cutLaws({ make, scores, tolerance, cuts }: StreamCase): Law[] {
  const shape = make()
  const same = (got: PartialSoftmax, wanted: PartialSoftmax, what: string) =>
    cuts === 'bits' ? samePartial(got, wanted, what) : closePartial(got, wanted, tolerance, what)

  const cut = law(
    {
      name: 'where a block ends never matters',
      kills: ['the last token of a block forgotten', 'compression at the end of a call', 'an empty block that folds'],
      runs: 24,
    },
    fc.record({ input, one: sizes, other: sizes, wild: fc.boolean() }),
    ({ input: { n, ...data }, one, other, wild }) => {
      const { block, queries } = randomTokens(shape, n, {
        ...data,
        scores: (wild && cuts === 'bits' ? WILD : 1) * scores,
      })
      const [a, b] = [pushed(make(), block, one), pushed(make(), block, other)]
      insist(a.tokens === n && b.tokens === n, `tokens: ${a.tokens} and ${b.tokens}, not ${n}`)
      const asked = n > 0 ? queries : randomTokens(shape, 3, { ...data, scores }).queries
      same(a.attend(asked), b.attend(asked), `cut by ${one} and by ${other}`)
      insist(a.bytes === b.bytes, `bytes: ${a.bytes} and ${b.bytes}`)
      if (cuts === 'bits') sameBits(a.toBytes(), b.toBytes(), `snapshots cut by ${one} and by ${other}`)
      else insist(a.toBytes().length === b.toBytes().length, 'snapshots of one stream have different lengths')
    },
  )

  const step = law(
    {
      name: 'step is push and attend, token by token',
      kills: [
        'answering before pushing',
        'groups taken as tokens',
        'weights dropped in step',
        'blocks answered as a whole',
      ],
      runs: 24,
    },
    fc.record({ input, cut: sizes, groups: fc.integer({ min: 1, max: 3 }) }),
    ({ input: { n, ...data }, cut, groups }) => {
      const { block, queries } = randomTokens(shape, n, { ...data, scores, groups })
      const [fast, slow] = [make(), make()]
      for (const { piece, from, to } of pieces(block, cut)) {
        const own = queriesOf(queries, groups, from, to)
        const got = fast.step(piece, own)
        closePartial(got, stepByToken(slow, piece, own), tolerance, `tokens ${from} to ${to}, ${groups} groups`)
      }
      insist(fast.tokens === n, `tokens: ${fast.tokens} after steps, not ${n}`)
      closePartial(fast.attend(queries), slow.attend(queries), tolerance, 'after the steps')
    },
  )

  const causal = law(
    {
      name: 'no answer depends on later tokens',
      kills: ['a step that sees its whole block', 'a mask that is off by one token', 'one maximum for the whole block'],
    },
    fc.record({ input, at: fc.nat(), before: fc.integer({ min: 0, max: 70 }), groups: fc.integer({ min: 1, max: 3 }) }),
    ({ input: { n, ...data }, at, before, groups }) => {
      if (n < 2) return
      const known = 1 + (at % (n - 1))
      const start = randomTokens(shape, before, { ...data, seed: data.seed ^ 1, scores }).block
      const { block, queries } = randomTokens(shape, n, { ...data, scores, groups })
      const other = randomTokens(shape, n, { ...data, seed: data.seed ^ 2, scores: scores * 2, groups }).block
      const keys = block.keys.data.slice()
      const values = block.values.data.slice()
      keys.set(other.keys.data.subarray(known * shape.d), known * shape.d)
      values.set(
        other.values.data.subarray(known * shape.dv).map((x) => 9 * x),
        known * shape.dv,
      )
      const changed = { ...block, keys: { ...block.keys, data: keys }, values: { ...block.values, data: values } }
      const one = pushed(make(), start).step(block, queries)
      const two = pushed(make(), start).step(changed, queries)
      const firstRows = ({ max, mass, sum }: PartialSoftmax): PartialSoftmax => ({
        max: max.subarray(0, known * groups),
        mass: mass.subarray(0, known * groups),
        sum: queriesOf(sum, groups, 0, known),
      })
      same(firstRows(one), firstRows(two), `the first ${known} of ${n} tokens`)
    },
  )

  const pure = law(
    {
      name: 'attend changes nothing',
      kills: ['asking folds or learns', 'answers in shared scratch', 'the number of queries asked matters'],
    },
    fc.record({ input, more: fc.integer({ min: 0, max: 130 }) }),
    ({ input: { n, ...data }, more }) => {
      const { block } = randomTokens(shape, n, { ...data, scores })
      const { queries } = randomTokens(shape, more, { ...data, seed: data.seed ^ 3, scores: WILD * scores })
      const stream = pushed(make(), block)
      const [bytes, held, asked] = [stream.toBytes(), stream.bytes, queries.data.slice()]
      const first = stream.attend(queries)
      const kept = {
        max: first.max.slice(),
        mass: first.mass.slice(),
        sum: { ...first.sum, data: first.sum.data.slice() },
      }
      const second = stream.attend(queries)
      samePartial(second, kept, 'the second answer')
      samePartial(first, kept, 'the first answer after the second')
      sameBits(stream.toBytes(), bytes, 'the snapshot after attend')
      insist(stream.bytes === held && stream.tokens === n, 'bytes or tokens changed')
      sameBits(queries.data, asked, 'the queries')
      for (let r = 0; r < more; r += 16) {
        const alone = answerOf(stream.attend(queriesOf(queries, 1, r, r + 1)))
        close(
          alone.averages,
          answerOf(kept).averages.subarray(r * shape.dv, (r + 1) * shape.dv),
          1e-3,
          `query ${r} alone`,
        )
      }
    },
  )
  return [cut, step, causal, pure]
}
