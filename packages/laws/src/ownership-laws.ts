import type { KvBlock, Matrix, PartialSoftmax } from '@sublinear/core'
import fc from 'fast-check'
import { input, pushed, queriesOf, samePartial, sizes } from './cut-laws'
import { law, sameBits, type Law } from './law'
import type { StreamCase } from './stream-case'
import { pieces, randomTokens } from './token-data'

/** Some calls push and some step, with `groups` queries a token. */
const calls = fc.record({
  input,
  cut: sizes,
  groups: fc.integer({ min: 1, max: 2 }),
  steps: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
})

/** Laws of ownership of arrays: arrays that are given stay the caller's, and so do arrays that are returned. */
export function ownershipLaws({ make, scores }: StreamCase): Law[] {
  const shape = make()

  const owned = law(
    {
      name: 'arrays given and returned stay apart from the state',
      kills: ['a buffer that keeps the caller’s array', 'an answer or a snapshot that is a view', 'inputs written to'],
    },
    fc.record({ input, cut: sizes }),
    ({ input: { n, ...data }, cut }) => {
      const { block, queries } = randomTokens(shape, n, { ...data, scores })
      const asked = queriesOf(queries, 1, 0, Math.min(n, 8))
      const wanted = pushed(make(), block, cut)
      const stream = make()
      for (const { piece } of pieces(block, cut)) {
        const copy = copyOfBlock(piece)
        stream.push(copy)
        sameBits(copy.keys.data, piece.keys.data, 'the keys given')
        sameBits(copy.values.data, piece.values.data, 'the values given')
        for (const array of [copy.keys.data, copy.values.data, copy.weights]) array?.fill(7)
        stream.toBytes().fill(7)
        const { max, mass, sum } = stream.attend(asked)
        for (const array of [max, mass, sum.data]) array.fill(7)
      }
      sameBits(stream.toBytes(), wanted.toBytes(), 'the snapshot')
      samePartial(stream.attend(asked), wanted.attend(asked), 'the answers')
    },
  )

  const given = law(
    {
      name: 'what was given may be overwritten',
      kills: [
        'a step that reads its block at the next call',
        'a policy that keeps the caller’s queries',
        'weights kept by reference',
        'a view of the last block handed on late',
      ],
      runs: 24,
    },
    calls,
    ({ input: { n, ...data }, cut, groups, steps }) => {
      const { block, queries } = randomTokens(shape, n, { ...data, scores, groups })
      const [lender, keeper] = [make(), make()]
      const lend = lending({ block, queries })
      for (const { piece, own, isStep } of callsOf(block, queries, { cut, groups, steps })) {
        const lent = lend(piece, own)
        const kept = { block: copyOfBlock(piece), queries: copyOf(own) }
        if (isStep) samePartial(lender.step(lent.block, lent.queries), keeper.step(kept.block, kept.queries), 'a step')
        else {
          lender.push(lent.block)
          keeper.push(kept.block)
        }
        for (const part of ['keys', 'values'] as const) sameBits(lent.block[part].data, piece[part].data, `the ${part}`)
        if (piece.weights) sameBits(lent.block.weights!, piece.weights, 'the weights')
        sameBits(lent.queries.data, own.data, 'the queries')
        lent.overwrite()
      }
      const asked = queriesOf(queries, 1, 0, Math.min(n, 8))
      samePartial(lender.attend(asked), keeper.attend(asked), 'the answers at last')
      sameBits(lender.toBytes(), keeper.toBytes(), 'the snapshot at last')
    },
  )

  const returned = law(
    {
      name: 'answers stay as they were',
      kills: [
        'a step that answers into scratch',
        'one array for answers of one size',
        'answers that are views of the state',
      ],
    },
    calls,
    ({ input: { n, ...data }, cut, groups, steps }) => {
      const { block, queries } = randomTokens(shape, n, { ...data, scores, groups })
      const stream = make()
      const all: { readonly got: ArrayBufferView; readonly was: ArrayBufferView; readonly what: string }[] = []
      const keep = ({ max, mass, sum }: PartialSoftmax, what: string) => {
        for (const got of [max, mass, sum.data]) all.push({ got, was: got.slice(), what })
      }
      for (const { piece, own, isStep } of callsOf(block, queries, { cut, groups, steps })) {
        if (isStep) keep(stream.step(piece, own), `the step after ${stream.tokens} tokens`)
        else stream.push(piece)
        keep(stream.attend(own), `the answer after ${stream.tokens} tokens`)
      }
      for (const { got, was, what } of all) sameBits(got, was, what)
    },
  )
  return [owned, given, returned]
}

/** Cuts the block into calls, each with the queries of its tokens. */
function* callsOf(
  block: KvBlock,
  queries: Matrix,
  {
    cut,
    groups,
    steps,
  }: { readonly cut: readonly number[]; readonly groups: number; readonly steps: readonly boolean[] },
): Generator<{ readonly piece: KvBlock; readonly own: Matrix; readonly isStep: boolean }> {
  let i = 0
  for (const { piece, from, to } of pieces(block, cut))
    yield { piece, own: queriesOf(queries, groups, from, to), isStep: steps[i++ % steps.length] }
}

const copyOf = (m: Matrix): Matrix => ({ ...m, data: m.data.slice() })
const copyOfBlock = ({ keys, values, weights }: KvBlock): KvBlock => ({
  keys: copyOf(keys),
  values: copyOf(values),
  ...(weights && { weights: weights.slice() }),
})

/** Writes the numbers of `from` over the first numbers of another matrix. */
function first(to: Matrix, from: Matrix): Matrix {
  const data = to.data.subarray(0, from.data.length)
  data.set(from.data)
  return { ...from, data }
}

/** Gives every piece in the same arrays, as a caller does that reads a file; `overwrite` leaves other numbers in them. */
function lending(all: { readonly block: KvBlock; readonly queries: Matrix }) {
  const whole = copyOfBlock(all.block)
  const queries = copyOf(all.queries)
  return (piece: KvBlock, own: Matrix) => {
    const weights = piece.weights && whole.weights!.subarray(0, piece.weights.length)
    weights?.set(piece.weights!)
    return {
      block: {
        keys: first(whole.keys, piece.keys),
        values: first(whole.values, piece.values),
        ...(weights && { weights }),
      },
      queries: first(queries, own),
      overwrite() {
        for (const array of [whole.keys.data, whole.values.data, whole.weights, queries.data]) array?.fill(7)
      },
    }
  }
}
