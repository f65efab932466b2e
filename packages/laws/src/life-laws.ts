import { speculate, type AttentionStream, type PartialSoftmax } from '@sublinear/core'
import fc from 'fast-check'
import { closePartial, input, pushed, queriesOf, samePartial, sizes } from './cut-laws'
import { insist, law, sameBits, type Law } from './law'
import type { StreamCase } from './stream-case'
import { part, pieces, randomTokens, type Tokens } from './token-data'

/** How tokens come: each call in turn pushes or steps. */
const program = fc.record({
  cut: sizes,
  steps: fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
  groups: fc.integer({ min: 1, max: 2 }),
})

/** Laws of a stream's life: forks, resets, and tokens on trial. */
export function lifeLaws({ make, scores, cuts, tolerance, restore }: StreamCase): Law[] {
  const shape = make()
  const tokensOf = (n: number, seed: number, weighted: boolean, groups: number) =>
    randomTokens(shape, n, { seed, weighted, groups, scores })

  const forks = law(
    {
      name: 'a fork goes on as the stream would, and neither sees the other',
      kills: ['memory shared', 'tokens that wait left behind', 'counts or a policy left behind', 'a fork that takes'],
      runs: 16,
    },
    fc.record({ input, more: fc.constantFrom(1, 64, 130), first: program, second: program }),
    ({ input: { n, seed, weighted }, more, first, second }) => {
      const start = tokensOf(n, seed, weighted, first.groups)
      const [one, other] = [1, 2].map((lane) => tokensOf(more, seed ^ lane, weighted, second.groups))
      const fresh = () => given(make(), start, first)
      const stream = fresh()
      const copy = stream.fork()
      alike(copy, fresh(), one, `a fork after ${n}`)
      given(copy, one, second)
      alike(stream, fresh(), other, `after its fork went on`)
      given(stream, other, second)
      alike(copy, given(fresh(), one, second), other, 'the fork, gone on')
      alike(stream, given(fresh(), other, second), one, 'the stream, gone on')
      const last = copy.fork()
      dispose(copy)
      alike(last, given(fresh(), one, second), other, 'the fork of a fork that was disposed of')
      dispose(stream)
      given(last, other, second)
      if (restore) sameBits(restore(last.toBytes()).toBytes(), last.toBytes(), 'a fork, saved and restored')
    },
  )

  const resets = law(
    {
      name: 'a stream that is reset is a fresh one',
      kills: ['a buffer or count left', 'seeds that go on', 'parts forgotten', 'room that stays counted'],
      runs: 16,
    },
    fc.record({ input, more: fc.constantFrom(1, 64, 130), first: program, second: program }),
    ({ input: { n, seed, weighted }, more, first, second }) => {
      const [start, rest] = [
        tokensOf(n, seed, weighted, first.groups),
        tokensOf(more, seed ^ 1, weighted, second.groups),
      ]
      const stream = given(make(), start, first)
      const copy = stream.fork()
      stream.reset()
      alike(stream, make(), rest, `reset after ${n}`)
      given(stream, rest, second)
      alike(stream, given(make(), rest, second), start, 'gone on after a reset')
      copy.reset()
      alike(given(copy, rest, second), stream, start, 'a fork, reset, gone on')
    },
  )

  const same = (got: PartialSoftmax, wanted: PartialSoftmax, what: string) => closePartial(got, wanted, tolerance, what)
  const trials = law(
    {
      name: 'tokens on trial are answered as any, and leave nothing behind',
      kills: [
        'rejected tokens kept',
        'accepted tokens given twice',
        'a trial that is not causal',
        'queries not learned from',
      ],
      runs: 16,
    },
    fc.record({
      n: fc.constantFrom(0, 1, 60, 63, 64, 65, 130),
      seed: fc.nat(),
      weighted: fc.boolean(),
      groups: fc.integer({ min: 1, max: 2 }),
      rounds: fc.array(
        fc.record({
          calls: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 3 }),
          share: fc.nat(4),
        }),
        { minLength: 1, maxLength: 12 },
      ),
    }),
    ({ n, seed, weighted, groups, rounds }) => {
      const start = tokensOf(n, seed, weighted, groups)
      const [stream, plain] = [make(), make()].map((of) => pushed(of, start.block))
      const trial = speculate(stream)
      for (const [round, { calls, share }] of rounds.entries()) {
        const rows = calls.reduce((a, b) => a + b)
        const { block, queries } = tokensOf(rows, seed ^ (round + 1), weighted && round % 2 === 0, groups)
        const ahead = plain.fork()
        let at = 0
        for (const count of calls) {
          const [piece, own] = [part(block, at, at + count), queriesOf(queries, groups, at, at + count)]
          same(trial.step(piece, own), ahead.step(piece, own), `round ${round}, a trial`)
          at += count
        }
        insist(trial.tokens === rows, `${trial.tokens} tokens are on trial, not ${rows}`)
        same(trial.attend(start.queries), ahead.attend(start.queries), `round ${round}, asked on trial`)
        dispose(ahead)
        const kept = Math.round((share / 4) * rows)
        trial.accept(kept)
        plain.step(part(block, 0, kept), queriesOf(queries, groups, 0, kept))
        insist(stream.tokens === plain.tokens && trial.tokens === 0, `${stream.tokens} tokens, not ${plain.tokens}`)
        if (cuts === 'bits') alike(stream, plain, start, `after round ${round}`)
        else same(stream.attend(start.queries), plain.attend(start.queries), `after round ${round}`)
      }
    },
  )
  return [forks, resets, trials]
}

interface Program {
  readonly cut: readonly number[]
  readonly steps: readonly boolean[]
  readonly groups: number
}

/** Gives a stream all tokens, by push or step as the program says. */
const given = (stream: AttentionStream, { block, queries }: Tokens, { cut, steps, groups }: Program) => {
  let i = 0
  for (const { piece, from, to } of pieces(block, cut)) {
    if (steps[i++ % steps.length]) stream.step(piece, queriesOf(queries, groups, from, to))
    else stream.push(piece)
  }
  return stream
}

/** Checks that two streams have the same bits, whatever is asked. */
const alike = (got: AttentionStream, wanted: AttentionStream, { queries }: Tokens, what: string) => {
  insist(got.tokens === wanted.tokens, `${what}: ${got.tokens} tokens, not ${wanted.tokens}`)
  insist(got.bytes === wanted.bytes, `${what}: ${got.bytes} bytes, not ${wanted.bytes}`)
  insist(got.merging === wanted.merging, `${what}: merging ${got.merging}, not ${wanted.merging}`)
  sameBits(got.toBytes(), wanted.toBytes(), `${what}: the snapshot`)
  samePartial(got.attend(queries), wanted.attend(queries), `${what}: an answer`)
}

const dispose = (stream: AttentionStream & Partial<Disposable>) => stream[Symbol.dispose]?.()
