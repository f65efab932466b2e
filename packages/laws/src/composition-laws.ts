import { decodeSnapshot, type AttentionStream, type PartialSoftmax, type Shape, type Snapshot } from '@sublinear/core'
import fc from 'fast-check'
import { messageOf } from './check-laws'
import { closePartial, queriesOf, samePartial } from './cut-laws'
import { close, insist, law, sameBits, type Law } from './law'
import { pieces, randomTokens, type Tokens } from './token-data'
import { failing, refusing, wrappers, type Fallible } from './wrappers'

/** A stream made of streams: tiers, a layer, a stream in a stream. `parts` or `streams` are the streams of which it is made. */
export type Composition = Pick<
  AttentionStream,
  'push' | 'step' | 'attend' | 'toBytes' | 'tokens' | 'bytes' | 'reset'
> & {
  fork(): Composition
  readonly merging?: AttentionStream['merging'] | undefined
  merge?(later: Pick<AttentionStream, 'toBytes'>): void
  readonly parts?: readonly AttentionStream[] | undefined
  readonly streams?: readonly AttentionStream[] | undefined
}

export interface CompositionLaws<C extends Composition = Composition> {
  /** Begins the name of every law. */
  readonly name: string
  /** Makes the composition, fresh and empty, always the same one; `part` wraps each stream of interest before it is put in. */
  readonly make: (part: <S extends AttentionStream>(stream: S) => S) => C
  /** Restores the composition from a snapshot. */
  readonly restore: (bytes: Uint8Array) => C
  /** Widths of what it is given, and the scale: those of one stream, or of all heads side by side. */
  readonly shape: Shape
  /** Largest difference of answers when the composition itself adds up a part's answer. Default 1e-5. */
  readonly tolerance?: number | undefined
  /** Most query rows a token. Default 2; a layer decides itself how many there are, so 1. */
  readonly groups?: number | undefined
}

const bare = <S>(stream: S): S => stream
const inputs = (groups: number) =>
  fc.record({
    n: fc.constantFrom(1, 64, 65, 130, 200),
    seed: fc.nat(),
    weighted: fc.boolean(),
    groups: fc.integer({ min: 1, max: groups }),
    cut: fc.array(fc.constantFrom(9, 63, 64, 65, 200), { minLength: 1, maxLength: 3 }),
    steps: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  })
const partsOf = ({ parts, streams }: Composition) => parts ?? streams ?? []

/** Checks that answers are the same bits, or the same numbers up to a tolerance. */
function alikeAnswers(got: PartialSoftmax, wanted: PartialSoftmax, tolerance: number | undefined, what: string): void {
  if (tolerance === undefined) samePartial(got, wanted, what)
  else closePartial(got, wanted, tolerance, what)
}

/** The calls of one program: each pushes or steps, as its entry in `steps` says. */
function* callsOf({ block, queries }: Tokens, { cut, steps, groups }: Program) {
  let i = 0
  for (const { piece, from, to } of pieces(block, cut)) {
    const own = queriesOf(queries, groups, from, to)
    const isStep = steps[i++ % steps.length]
    yield (stream: Composition): PartialSoftmax | undefined =>
      isStep ? stream.step(piece, own) : void stream.push(piece)
  }
}

/**
 * The laws of streams made of streams: a part that forwards stands as the part itself, a part that refuses changes nothing anywhere, a part that fails breaks the
 * whole. `for (const law of compositionLaws({ name, make, restore, shape })) test(law.name, law.run)`.
 *
 * @returns laws that throw where they are broken; inputs are random with a fixed seed
 */
export function compositionLaws(options: CompositionLaws): Law[] {
  const { name, make, restore, shape, tolerance = 1e-5, groups: most = 2 } = options
  const input = inputs(most)
  const wraps = wrappers.map(({ name: how, wrap, bits }) =>
    law(
      {
        name: `a part that forwards stands as the part does: ${how}`,
        kills: [
          'parts known by identity',
          'members that the contract does not have',
          'snapshots that cannot be opened',
        ],
        runs: 8,
      },
      input,
      ({ n, seed, weighted, ...program }) => {
        const data = randomTokens(shape, n, { seed, scores: 2, weighted, groups: program.groups })
        const [one, other] = [make(bare), make(wrap)]
        insist(one.merging === other.merging, `merging: ${other.merging}, not ${one.merging}`)
        const alike = (what: string) => {
          insist(other.tokens === one.tokens, `${what}: ${other.tokens} tokens, not ${one.tokens}`)
          insist(other.bytes === one.bytes, `${what}: ${other.bytes} bytes, not ${one.bytes}`)
          const [held, wanted] = [other, one].map((of) => partsOf(of).map(({ tokens, bytes }) => [tokens, bytes]))
          insist(String(held) === String(wanted), `${what}: tokens and bytes of the parts: ${held}, not ${wanted}`)
          if (bits) sameBits(other.toBytes(), one.toBytes(), `${what}: the snapshot`)
          else closeSnapshots(decodeSnapshot(other.toBytes()), decodeSnapshot(one.toBytes()), tolerance, what)
        }
        for (const call of callsOf(data, program)) {
          const [got, wanted] = [call(other), call(one)]
          if (got && wanted) alikeAnswers(got, wanted, bits ? undefined : tolerance, `a step at ${one.tokens} tokens`)
          alike(`after ${one.tokens} tokens`)
        }
        alikeAnswers(other.attend(data.queries), one.attend(data.queries), bits ? undefined : tolerance, 'attend')
        const opened = restore(other.toBytes())
        insist(opened.tokens === n, `tokens: ${opened.tokens} once opened, not ${n}`)
        if (merges(one)) {
          const later = make(wrap)
          later.push(data.block)
          one.merge!(later)
          other.merge!(later)
          alike('after a merge')
        }
      },
    ),
  )

  const refuses = law(
    {
      name: 'a part that refuses changes nothing anywhere',
      kills: [
        'parts asked one by one as they take',
        'a check that is not handed on',
        'tokens counted before a part is asked',
        'tokens that wait handed on by a merge, unasked',
      ],
      runs: 24,
    },
    fc.record({ input, at: fc.constantFrom(0, 1, 64, 100), which: fc.nat(1) }),
    ({ input: { n, seed, weighted, ...program }, at, which }) => {
      const data = randomTokens(shape, n, { seed, scores: 2, weighted, groups: program.groups })
      let asked = 0
      // Only one part refuses, so that the others could have taken the tokens.
      const stream = make((part) => (asked++ === which ? refusing(part, at) : part))
      const later = make(bare)
      later.push(data.block)
      const joins = [1, 2].map(() => (of: Composition) => joined(of, later)) // the second join displaces what the first one brought
      for (const call of [...callsOf(data, program), ...joins]) {
        const [bytes, tokens, held] = [stream.toBytes(), stream.tokens, stream.bytes]
        const message = messageOf(() => call(stream))
        if (!message) continue
        insist(message.includes('part: it takes no more'), `refused for another reason: ${message}`)
        insist(stream.tokens === tokens && stream.bytes === held, `tokens or bytes changed by a refusal`)
        sameBits(stream.toBytes(), bytes, 'the snapshot after a refusal')
        insist(restore(stream.toBytes()).tokens === tokens, 'tokens once opened')
      }
    },
  )

  const breaks = law(
    {
      name: 'a part that fails breaks the whole, or nothing has changed',
      kills: ['half a call', 'tokens counted twice', 'a snapshot of what is half done', 'calls that go on afterwards'],
      runs: 70,
    },
    fc.record({
      input,
      member: fc.constantFrom<Fallible>('push', 'step', 'attend', 'merge', 'admit', 'absorb', 'observe'),
      at: fc.nat(4),
      done: fc.boolean(),
      which: fc.nat(2),
    }),
    ({ input: { n, seed, weighted, ...program }, which, ...fault }) => {
      const data = randomTokens(shape, n, { seed, scores: 2, weighted, groups: program.groups })
      let made = 0
      const stream = make((part) => (made++ === which ? failing(part, fault) : part))
      const later = make(bare)
      later.push(data.block)
      const calls = [
        ...callsOf(data, program),
        (of: Composition) => joined(of, later),
        (of: Composition) => void of.attend(data.queries),
      ]
      for (const call of calls) {
        const [before, tokens] = [stream.toBytes(), stream.tokens]
        const message = messageOf(() => call(stream))
        if (!message) continue
        insist(message.includes('part: it fails here'), `failed for another reason: ${message}`)
        insist(restore(before).tokens === tokens, 'the snapshot before cannot be opened')
        if (!messageOf(() => stream.toBytes())) {
          sameBits(
            stream.toBytes(),
            before,
            `the snapshot after ${fault.member} failed, which does not say that it is broken`,
          )
          continue
        }
        for (const later of broken(stream, data))
          insist(later.includes('is broken since'), `after ${fault.member} failed, a later call says: "${later}"`)
        return
      }
    },
  )
  return [...wraps, refuses, breaks].map((one) => ({ ...one, name: `${name}: ${one.name}` }))
}

/** Takes in a later part of the stream, where the composition merges. */
function joined(stream: Composition, later: Composition): undefined {
  if (merges(stream)) stream.merge!(later)
}

/** Whether a composition merges: as it says itself, or as all its streams say. */
function merges({ merge, merging, streams = [] }: Composition): boolean {
  return merge !== undefined && (merging ? merging !== 'none' : streams.every((stream) => stream.merging !== 'none'))
}

/** How the tokens come. */
interface Program {
  readonly cut: readonly number[]
  readonly steps: readonly boolean[]
  readonly groups: number
}

/** The messages that the calls of a broken stream give, one for each call. */
export function broken(stream: Composition, { block, queries }: Tokens): string[] {
  return [
    () => stream.push(block),
    () => stream.step(block, queries),
    () => stream.attend(queries),
    () => stream.toBytes(),
    () => stream.fork(),
    () => stream.reset(),
    ...(stream.merge ? [() => stream.merge!(stream)] : []),
  ].map((call) => messageOf(call) || 'it went through')
}

/** Checks that two snapshots are of one kind, with the same numbers up to rounding. */
function closeSnapshots(got: Snapshot, wanted: Snapshot, tolerance: number, what: string): void {
  insist(got.kind === wanted.kind && got.version === wanted.version, `${what}: the snapshot is of another kind`)
  insist(
    String([...got.tensors.keys()]) === String([...wanted.tensors.keys()]),
    `${what}: the snapshot has other tensors`,
  )
  for (const [name, { data }] of wanted.tensors) {
    const size = Array.from(data as ArrayLike<number>).reduce((top, x) => Math.max(top, Math.abs(x)), 1)
    close(
      got.tensors.get(name)!.data as ArrayLike<number>,
      data as ArrayLike<number>,
      tolerance * size,
      `${what}: ${name}`,
    )
  }
}
