import {
  checkFinite,
  checkHead,
  checkInteger,
  checkOptions,
  decodeSnapshot,
  HEAD_FEATURES,
  headOf,
  HELD_FEATURES,
  joinedTokens,
  liveStream,
  readBy,
  schema,
  scoresOf,
  shapeIn,
  shapeParameters,
  type Given,
  type Inside,
  type KvBlock,
  type LiveStream,
  type Making,
  type Shape,
  type State,
  type Tier,
  type TierMethod,
  type Traffic,
} from '@sublinear/core'
import { entropyBytes, entropyTokens, waitingBytes, type EntropyTokens } from '@sublinear/token-store'
import { bufferAtRate } from '../tier-method'
import { MOST_BUFFER } from '../token-options'
import { admitBy, waited, waitingRoom, type WaitingRoom } from '../waiting-room'

const [KIND, VERSION] = ['entropyCoded', '1'] as const
/**
 * Bits an entry: the least, the usual and the most. A budget that has fewer than the usual for every token holds fewer tokens in the usual bits,
 * which serves better.
 */
const [LEAST, USUAL, MOST] = [0.5, 4, 12]
/** One byte of a budget in so many is for tokens that wait. */
const WAITING = 32
/** Bits are multiples of this. */
const GRAIN = 32

export interface EntropyCodedOptions {
  /** Tokens for which there is room at `bits`, ≥ 1. */
  readonly count: number
  /** Bits an entry, 0.5 to 12, whole or not: the average over keys and values. */
  readonly bits: number
  /** Tokens that wait where the tier stands alone, 1 to 64. Default 64. In tiers they wait before the first tier. */
  readonly buffer?: number | undefined
}

/** A tier of tokens in entropy-coded numbers. */
export interface EntropyCoded extends Tier, Disposable {
  readonly check: LiveStream['check']
  /** A copy of the tokens held now, as they are held, with those that wait. */
  read(): KvBlock
}

/**
 * A tier that keeps tokens as entropy-coded integers, in a room that never grows. While there is room it keeps all tokens, in steps that become coarser,
 * down to `bits` an entry; after that it keeps the tokens whose keys lie farthest from the mean key.
 * Source: entropy-coded scalar quantisation (Gish and Pierce, 1968), range coding (Martin, 1979), the choice of farKeys. Deviation: what neighbours
 *   share, and what coordinates of a token share, is guessed from what is known before and costs nothing; the steps of keys and of values are balanced by their
 *   effect on an answer.
 *
 * Guarantee: exact over the held tokens as they are held, and over those that wait. The room is never exceeded, whatever comes. Merging is 'none'.
 * Cost: `count`·(⌈bits·(d + dv) + 1⌉)/8 bytes; beside them 12·(d + dv) + 8·d + 16, and 2·(d + dv) to begin with; and, where the tier stands alone, the tokens
 *   that wait. Taking in a token costs about a microsecond an entry. A call reads every code, which takes some milliseconds for a thousand tokens, shared by
 *   all its queries: the tier suits streams that are asked rarely, or by many queries at once.
 *
 * @param count  tokens for which there is room, ≥ 1; bits  bits an entry on average, 0.5 to 12; buffer  tokens that wait where it stands alone, 1 to 64 (default 64)
 * @throws TypeError, RangeError when an option is out of range
 * @example
 * const stream = entropyCoded({ count: 100, bits: 4 })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1324
 */
export function entropyCoded(options: EntropyCodedOptions): (shape: Shape) => EntropyCoded {
  checkOptions(KIND, options, ['count', 'bits', 'buffer'])
  const { count, bits, buffer = MOST_BUFFER } = options
  checkSizes({ count, bits, buffer })
  return (shape) => live(shape, { count, bits, buffer })
}

/** Schema of the tier's sizes. */
export const entropyCodedSchema = schema({
  parameters: {
    count: { whole: true, least: 1, most: 2 ** 31 },
    bits: { least: LEAST, most: MOST },
    buffer: { whole: true, least: 1, most: MOST_BUFFER },
  },
})

/** Restores the tier from its snapshot; it goes on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreEntropyCoded(bytes: Uint8Array): EntropyCoded {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const { parameters } = readBy(KIND, entropyCodedSchema, snapshot)
  return live(shapeIn(KIND, snapshot, HEAD_FEATURES), parameters, snapshot)
}

export const entropyCodedMethod: TierMethod<EntropyCodedOptions> = {
  name: KIND,
  source: 'entropy-coded scalar quantisation (Gish and Pierce, 1968), range coding (Martin, 1979)',
  learns: 'nothing',
  slow: true,
  can: HELD_FEATURES,
  tier: entropyCoded,
  make: (shape, options) => entropyCoded(options)(shape),
  bytes: (shape, options, { weighted = false }) =>
    entropyBytes({ ...shape, ...options }) + waitingBytes(shape, options.buffer ?? MOST_BUFFER, weighted),
  tierBytes: (shape, options) => entropyBytes({ ...shape, ...options }),
  within: (shape, budgetBytes, traffic) => optionsWithin(shape, budgetBytes, traffic, USUAL),
  variants: (shape, budgetBytes, traffic) =>
    [3, 5, 6, 8].flatMap((bits) => optionsWithin(shape, budgetBytes, traffic, bits) ?? []),
  atRate(_, options, rate) {
    const { count, buffer = MOST_BUFFER } = options
    const waiting = bufferAtRate(buffer, rate)
    return { ...options, buffer: waiting, count: Math.max(1, Math.round((count + buffer) * rate) - waiting) }
  },
  open: restoreEntropyCoded,
}

/** Options for all tokens where the budget has the usual bits or more for each, else for as many tokens as have the usual bits. */
function optionsWithin(
  shape: Shape,
  budgetBytes: number,
  { tokens, weighted = false }: Traffic,
  least: number,
): EntropyCodedOptions | undefined {
  const width = shape.d + shape.dv
  const buffer = Math.max(1, Math.min(MOST_BUFFER, Math.floor(budgetBytes / (WAITING * 4 * width))))
  const fixed = entropyBytes({ ...shape, count: 0, bits: 1 }) + waitingBytes(shape, buffer, weighted)
  const room = 8 * (budgetBytes - fixed) // in bits
  const stored = Math.max(1, tokens - (((tokens - 1) % buffer) + 1))
  const each = (own: number) => Math.ceil(own * width + 1)
  if (tokens < Infinity) {
    const bits = Math.floor((GRAIN * (Math.floor(room / stored) - 1)) / width) / GRAIN
    if (bits >= least) return { count: stored, bits: Math.min(MOST, bits), buffer }
  }
  const count = Math.min(2 ** 31, Math.floor(room / each(least)))
  return count >= 1 ? { count, bits: least, buffer } : undefined
}

type Sizes = Given<EntropyCodedOptions>

function checkSizes({ count, bits, buffer }: Sizes): void {
  checkInteger(KIND, 'count', count, 1, 2 ** 31)
  checkFinite(KIND, 'bits', bits)
  if (bits < LEAST || bits > MOST) throw new RangeError(`${KIND}: bits must be from ${LEAST} to ${MOST}, got ${bits}`)
  checkInteger(KIND, 'buffer', buffer, 1, MOST_BUFFER)
}

interface Members extends Inside {
  readonly held: EntropyTokens
  readonly room: WaitingRoom
  admitted(block: KvBlock, dropped?: boolean): KvBlock | undefined
  read(): KvBlock
}

function live(shape: Shape, sizes: Sizes, from?: State): EntropyCoded {
  checkHead(KIND, shape, HELD_FEATURES, ['count', 'bits', 'buffer'])
  const making: Making<Members, Pick<EntropyCoded, 'admit' | 'read'>> = {
    kind: KIND,
    begin: ({ tokens }, state) => begun(shape, sizes, tokens, state),
    members: (now, alive) => ({
      read: () => now().read(),
      admit: admitBy(KIND, shape, alive, now),
    }),
  }
  return liveStream(making, from)
}

function begun(shape: Shape, sizes: Sizes, given: number, from?: State): Members {
  const { d, dv, scale } = shape
  const head = headOf(shape)
  const scored = { d, dv, scale, ...scoresOf({ ...shape }) }
  const like = from?.live as Members | undefined
  const held = entropyTokens({ ...scored, ...sizes }, KIND, from, like?.held)
  const room = waitingRoom({
    ...scored,
    most: sizes.buffer,
    admit: (block, dropped) => held.admit(block, dropped),
    behind: (queries, out, inOrder) => held.attend(queries, out, inOrder),
    like: like?.room,
  })
  if (from && !like) {
    waited(KIND, from, { d, dv, most: sizes.buffer, held: held.count, given })
    room.restore(KIND, from)
  }

  return {
    version: VERSION,
    d,
    dv,
    scale,
    ...head,
    merging: 'none',
    identity: like?.identity ?? {
      ...shapeParameters({ d, dv, scale, ...head }),
      count: String(sizes.count),
      bits: String(sizes.bits),
      buffer: String(sizes.buffer),
    },
    bytes: () => held.bytes + room.bytes,
    take: room.take,
    errorBars: () => 'rounding to coarse steps has an error that the codes do not tell',
    answer: (queries, out, arrived) => room.answer(queries, out, arrived),
    continues: true,
    refuses: ({ keys }) => room.reserve(keys.rows),
    back: room.back,
    saved() {
      const { parameters, tensors } = held.saved()
      return { parameters, tensors: { ...tensors, ...room.saved() } }
    },
    savedBeside: () => ({ tensors: {} }),
    held,
    room,
    dispose: () => room[Symbol.dispose](),
    admitted: room.admitted,
    read: () => joinedTokens(held.read(), room.waits()) ?? held.read(),
  }
}
