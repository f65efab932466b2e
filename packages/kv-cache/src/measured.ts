import {
  asksBars,
  checkBlock,
  checkFits,
  checkInteger,
  checkKeys,
  checkOptions,
  decodeSnapshot,
  encodeSnapshot,
  forkedParts,
  headOf,
  life,
  nestedAll,
  nestedSnapshot,
  queryGroups,
  readBy,
  type AskBars,
  type AttentionStream,
  type Checks,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type Seed,
  type Shape,
  type StreamSpec,
  readAnew,
} from '@sublinear/core'
import type { TokenStore } from '@sublinear/token-store'
import { judgedBy } from './judged-spread'
import { measuredSchema } from './saved-tiers'
import { reservoir, restoreReservoir } from './policies/reservoir'
import type { TokenTier } from './token-tier'

const made = readAnew<MeasuredStream, 'tokens' | 'bytes' | 'counters' | 'errorBars' | 'spare'>()

const [KIND, VERSION] = ['measured', '1'] as const

export interface MeasuredOptions {
  /** The stream that answers: a closure, clusters, any other. */
  readonly of: StreamSpec
  /** Tokens held out to judge it by: a few hundred. Bars of fewer than 50 are all flagged. */
  readonly count: number
  /** 64 bits that decide which tokens. */
  readonly seed: Seed
  /** How they are held: float32, the default, or codes with a dither, `quantised({ …, dither })`. */
  readonly store?: TokenStore | undefined
  /** Tokens that wait before the sample, 1 to 64. Default 64. */
  readonly buffer?: number | undefined
}

export interface MeasuredStream extends AttentionStream, Disposable {
  readonly check: Checks
  readonly spare: number
  takeBack(count: number): void
  /** The stream that answers. It must not be pushed to. */
  readonly of: AttentionStream
}

/**
 * A stream with measured error bars: another stream answers, and a sample of the tokens that it was given is held out to judge its answers by. For streams whose
 * errors have no known variance, in one pass. Behind tiers it stands as the last part: what they hold then adds no noise.
 * Source: not from the papers. The sample is `reservoir`; how far it and the answer differ beyond what the sample itself is unsure of is the error, taken over the entries
 *   of a row together (`errorBars`).
 *
 * Guarantee: answers are those of the stream, bit for bit. Bars are measured, not proved, and say so: `measured` is 1 in every row. They are near
 *   95 % where the error is at least as large as the sample's own; where it is smaller nobody can tell by the sample how much, and they cover more. A row is flagged where the sample counts
 *   as fewer than 50 equal tokens, where values have fewer than 4 entries, and as for every sample. Merging is 'none'.
 * Cost: the stream's and the sample's, 4·(d + dv + 1) + 8 bytes a token in float32; the sample is read where bars are asked for.
 *
 * @param of  the stream; count  tokens held out, ≥ 1; seed  decides which; store  how they are held; buffer  as in `window`
 * @returns a stream of a shape
 * @throws TypeError, RangeError when an option is none
 * @example
 * const stream = measured({ of: window({ count: 16 }), count: 64, seed: 1 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.errorBars) // 100 true
 */
export function measured(options: MeasuredOptions): (shape: Shape) => MeasuredStream {
  checkOptions(KIND, options, ['of', 'count', 'seed', 'store', 'buffer'])
  const { of, ...sampling } = options
  if (typeof of !== 'function') throw new TypeError(`${KIND}: of must be a stream of a shape, got ${typeof of}`)
  const held = reservoir(sampling)
  return (shape) => {
    const stream = of(shape)
    if (stream.tokens !== 0) throw new RangeError(`${KIND}: of must be empty, got one with ${stream.tokens} tokens`)
    return live(stream, held(shape))
  }
}

/**
 * A measured stream from its snapshot, resuming bit for bit; `open` restores the stream that answers.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or the two within do not fit
 */
export function restoreMeasured(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): MeasuredStream {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  readBy(KIND, measuredSchema, snapshot)
  const [of, sample] = [open(nestedSnapshot(snapshot, 'of')), restoreReservoir(nestedSnapshot(snapshot, 'sample'))]
  checkFits(KIND, of.tokens === sample.tokens)
  return live(of, sample)
}

function live(of: AttentionStream, sample: TokenTier): MeasuredStream {
  const { d, dv, scale, head } = sample
  const isAlike = of.d === d && of.dv === dv && of.scale === scale && sameHead(of, sample)
  if (!isAlike) throw new RangeError(`${KIND}: of must be of the shape that is asked for`)
  const alive = life(KIND)
  const both = { of, sample }

  const check: Checks = {
    push(block, isSound) {
      alive.check()
      if (!isSound) checkBlock(KIND, block, d, dv)
      for (const one of [of, sample]) one.check?.push(block, true)
    },
    step(block, queries, isSound) {
      alive.check()
      if (!isSound) {
        checkBlock(KIND, block, d, dv)
        checkKeys(KIND, 'queries', queries, d)
        queryGroups(KIND, block, queries)
      }
      of.check?.step(block, queries, true)
      sample.check.push(block, true)
    },
    merge() {
      throw new RangeError(`${KIND}: cannot merge, merging is none`)
    },
    takeBack(count) {
      alive.check()
      checkInteger(KIND, 'count', count, 0)
      if (count > 0 && !of.takeBack) throw new RangeError(`${KIND}: its stream cannot take tokens back`)
      for (const one of [of, sample]) one.check?.takeBack?.(count)
    },
  }
  const spare = () => (of.takeBack ? Math.min(of.spare ?? 0, sample.spare ?? 0) : 0)
  /** @throws TypeError where bars are asked for and the sample is held in a way that gives none */
  const asks = (into: PartialSoftmax | AskBars | undefined): boolean => {
    alive.check()
    const isAsked = asksBars(into)
    if (isAsked && sample.errorBars !== true)
      throw new TypeError(`${KIND}: gives no error bars: ${sample.errorBars ?? 'its sample knows of none'}`)
    return isAsked
  }

  return made(
    {
      tokens: () => sample.tokens,
      bytes: () => of.bytes + sample.bytes,
      counters: () => of.counters ?? {},
      errorBars: () => sample.errorBars,
      spare: () => spare(),
    },
    {
      d,
      dv,
      scale,
      ...(head && { head }),
      of,
      check,
      merging: 'none',
      push(block: KvBlock) {
        check.push(block)
        alive.act('push', () => {
          of.push(block)
          sample.push(block)
        })
      },
      attend(queries, into) {
        const isAsked = asks(into)
        const answer = of.attend(queries)
        return isAsked ? withBars(answer, sample.attend(queries, { errorBars: true })) : answer
      },
      step(block: KvBlock, queries: Matrix, into) {
        const isAsked = asks(into)
        check.step(block, queries)
        return alive.act('step', () => {
          const answer = of.step(block, queries)
          if (isAsked) return withBars(answer, sample.step(block, queries, { errorBars: true }))
          sample.push(block)
          return answer
        })
      },
      merge: check.merge,
      toBytes() {
        alive.check()
        return encodeSnapshot({
          kind: KIND,
          version: VERSION,
          ...nestedAll({ of: of.toBytes(), sample: sample.toBytes() }),
        })
      },
      fork() {
        alive.check()
        const copies = forkedParts(KIND, both) as typeof both
        return live(copies.of, copies.sample)
      },
      reset() {
        alive.check()
        alive.act('reset', () => {
          of.reset()
          sample.reset()
        })
      },
      takeBack(count) {
        check.takeBack!(count)
        alive.act('takeBack', () => {
          of.takeBack?.(count)
          sample.takeBack!(count)
        })
      },
      [Symbol.dispose]() {
        alive.end()
        for (const one of [of as Partial<Disposable>, sample]) one[Symbol.dispose]?.()
      },
    },
  )
}

const sameHead = (a: AttentionStream, b: AttentionStream) => {
  const [mine, theirs] = [a.head ?? {}, b.head ?? {}].map((head) => JSON.stringify(headOf(head)))
  return mine === theirs
}

/** The answer with the spread that its sample gives it. */
function withBars(answer: PartialSoftmax, drawn: PartialSoftmax): PartialSoftmax {
  return { max: answer.max, mass: answer.mass, sum: answer.sum, spread: judgedBy(drawn, answer) }
}
