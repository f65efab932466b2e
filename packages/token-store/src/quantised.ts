import {
  checkInteger,
  checkOptions,
  checkScale,
  checkSeed,
  reserveMemory,
  rowsOf,
  type KvBlock,
  type Seed,
  readAnew,
} from '@sublinear/core'
import { codedBytes, codedTokens, NO_BARS } from './coded-tokens'
import { ditherCodec } from './dither-codec'
import { ditheredBytes } from './dithered-bytes'
import { ditheredTokens } from './dithered-tokens'
import { float32, heldTokens, type ResidentTokens } from './held-tokens'
import { tokensIn } from './saved-tokens'
import { tokenCoder, type Centres, type TokenCoder } from './token-coder'
import type { HeldTokens, HeldTokensOptions, TokenStore } from './token-store'

const made = readAnew<HeldTokens, 'count' | 'bytes' | 'weights'>()

/** Version of the codes; others are refused. In version 1 levels stood closer in the middle. */
export const CODES_VERSION = 2
/** The most tokens whose mean is the centre. */
const FIRST = 256

export interface QuantisedOptions {
  /** Bits of an entry of a key, 2 to 8. The error of a key passes through exp, so keys need more bits than values. */
  readonly keyBits: number
  /** Bits of an entry of a value, 2 to 8. */
  readonly valueBits: number
  /** Seed of the rotations, which only need to be unlike the data. Default 0. */
  readonly seed?: Seed | undefined
  /**
   * Number of tokens held exactly before the first is coded, 0 to 256; with 0, the first token alone is the centre for good. Default: as many as fit into the bytes
   * that the full store takes.
   */
  readonly first?: number | undefined
  /**
   * Seed of a subtractive dither: sums over tokens are then estimated without bias, and answers have error bars, for 4 more bytes a token and more time. Default:
   * no dither; codes at their nearest level.
   */
  readonly dither?: Seed | undefined
}

/**
 * Makes a store that holds tokens in a few bits an entry: `window({ count, store: quantised({ keyBits: 5, valueBits: 3 }) })`.
 * Source: scalar quantisation after a random rotation (QuaRot, TurboQuant). Deviation: keys and values are centred, and every vector gets the
 *   best step and shift of evenly spaced levels (see vectorCodec); attention reads the codes as integers where they lie.
 *
 * The centre is the mean of the first `first` tokens, which are held exactly until one more
 * comes. A common shift of the keys adds scale·⟨q, centre⟩ to every score, a common shift of the values adds mass·centre to every sum.
 *
 * Guarantee: answers equal exact attention over the tokens as `read` gives them, up to rounding of the query and of weights to 15 bits (relative
 *   1e-5 where scores are tens; the kernels' attendCodes has the bound), the same bits on every engine. Entries that rounding leaves above the 2^50 and
 *   2^64 that push accepts are read as these bounds; values that are all below 2^-110 count as 0. The squared error of a centred vector of Gaussian
 *   entries, over its square, is at most 0.13, 0.033, 0.0088, 0.0023, 0.0006 for 2 … 6 bits, up to 128 entries.
 *   A code stays as it is until it is overwritten. With `dither`, each weight and each value is right on average over the dither, to 2^-32 of
 *   itself, for queries that do not depend on the dither, and `errorBars` says how far off the answer is; softcap and merging are then refused.
 * Cost: ⌈d·keyBits/8⌉ + ⌈dv·valueBits/8⌉ + 4 bytes a token, 8 more while any weight differs from 1, and 4·(d + dv). Room grows by an eighth, never
 *   beyond `most`. A token that comes is turned, and rounded 24 times; a query reads all codes.
 *
 * @param keyBits, valueBits  bits of an entry, 2 … 8; seed  seed of the rotations; first  tokens held exactly at first; dither  seed of a dither, for error bars
 * @returns a store for any policy, or for `quantisedStream`
 * @throws TypeError, RangeError when bits are no integer from 2 to 8, or a seed is no 64-bit integer
 * @example
 * const stream = policies.window({ count: 16, store: quantised({ keyBits: 8, valueBits: 6 }) })({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 1168
 */
export function quantised(options: QuantisedOptions): TokenStore {
  checkOptions('quantised', options, ['keyBits', 'valueBits', 'seed', 'first', 'dither'])
  const { keyBits, valueBits, seed = 0, first: asked } = options
  const dither = options.dither === undefined ? undefined : checkSeed('quantised', options.dither)
  checkInteger('quantised', 'keyBits', keyBits, 2, 8)
  checkInteger('quantised', 'valueBits', valueBits, 2, 8)
  if (asked !== undefined) checkInteger('quantised', 'first', asked, 0, FIRST)
  const bits = { keyBits, valueBits, seed: checkSeed('quantised', seed), ...(asked !== undefined && { first: asked }) }
  const own = { ...bits, ...(dither !== undefined && { dither }) }
  const spec = JSON.stringify({
    kind: 'quantised',
    version: CODES_VERSION,
    ...bits,
    seed: String(bits.seed),
    ...(dither !== undefined && { dither: String(dither) }),
  })
  let last: Coding | undefined
  /** The coder of a shape: all stores that are made for it share one, and so do forks. */
  const codingOf = (options: HeldTokensOptions): Coding => {
    const { d, dv } = options
    if (last?.d !== d || last.dv !== dv) last = coding(options, own)
    return last
  }
  return {
    spec,
    steady: asked === 0,
    make(options) {
      const { d, dv, scale, most } = options
      checkInteger('quantised', 'd', d, 1)
      checkInteger('quantised', 'dv', dv, 1)
      checkScale('quantised', scale)
      checkInteger('quantised', 'most', most, 1)
      if (dither !== undefined && options.softcap !== undefined)
        throw new TypeError('quantised: with a dither there is no softcap: a cap has no estimate without bias')
      return store(options, codingOf(options), spec)
    },
    bytes(options, tokens, weighted) {
      const coding = codingOf(options)
      const first = firstOf(options, coding)
      const raw = float32.bytes({ ...options, most: Math.max(1, first) }, Math.min(tokens, first), weighted)
      if (tokens <= first) return raw
      return Math.max(raw, coding.codedBytes(options, Math.min(tokens, options.most), weighted))
    },
  }
}

interface Bits {
  readonly keyBits: number
  readonly valueBits: number
  readonly seed: bigint
  readonly first?: number | undefined
  readonly dither?: bigint | undefined
}

/** Everything that stores of one shape share. */
interface Coding extends Bits {
  readonly d: number
  readonly dv: number
  readonly coder: TokenCoder
  /** Bytes of a coded token. */
  readonly bytes: number
  codedBytes(options: HeldTokensOptions, tokens: number, weighted: boolean): number
}

function coding({ d, dv }: HeldTokensOptions, bits: Bits): Coding {
  const coder = tokenCoder({ d, dv, ...bits })
  const { dither } = bits
  const { bytes } = dither === undefined ? coder : ditherCodec({ d, dv, ...bits }, [0, 0])
  return {
    ...bits,
    d,
    dv,
    coder,
    bytes,
    codedBytes: (given, tokens, weighted) =>
      dither === undefined
        ? codedBytes(given, coder, tokens, weighted)
        : ditheredBytes({ ...given, ...bits }, tokens, weighted),
  }
}

/** The number of tokens that are held exactly at first. */
function firstOf({ d, dv, most }: HeldTokensOptions, { bytes, first: asked }: Coding): number {
  if (asked !== undefined) return Math.min(asked, most)
  return Math.min(FIRST, most, 1 + Math.floor((most * bytes) / (4 * (d + dv))))
}

/** The tokens of a store: in float32 or in codes. */
interface Now {
  readonly raw: ResidentTokens | undefined
  readonly coded: HeldTokens | undefined
}

/** Makes the store: in float32 at first, then in codes. */
function store(options: HeldTokensOptions, coding: Coding, spec: string, like?: Now): HeldTokens {
  const { d, dv, most } = options
  const { coder, dither } = coding
  const first = firstOf(options, coding)
  const codes = (centres: Centres): HeldTokens =>
    dither === undefined
      ? codedTokens({ ...options, spec, coder, centres })
      : ditheredTokens({ ...options, ...coding, dither, spec, coder, centres })
  /** Makes the store of tokens held exactly; with `first` 0 an empty one, until the first token comes. */
  const warm = () => (raw ??= heldTokens({ ...options, most: Math.max(1, first) }))
  let raw = like?.raw?.copy()
  let coded = like?.coded?.copy()
  const now = (): HeldTokens => coded ?? warm()

  const begin = (centres: Centres) => {
    coded = codes(centres)
    raw?.[Symbol.dispose]()
    raw = undefined
  }
  const settle = () => {
    const block = warm().read()
    begin({ keyCentre: mean(block.keys), valueCentre: mean(block.values) })
    coded!.write(block, 0, block.keys.rows, 0)
  }

  return made(
    {
      count: () => now().count,
      bytes: () => now().bytes,
      weights: () => now().weights,
    },
    {
      spec,
      ...(dither === undefined && { noBars: NO_BARS }),
      write(block: KvBlock, from, rows, at) {
        if (!coded && first === 0 && rows > 0)
          begin({
            keyCentre: rowsOf(block.keys, from, from + 1).data.slice(),
            valueCentre: rowsOf(block.values, from, from + 1).data.slice(),
          })
        if (coded) return coded.write(block, from, rows, at)
        const early = Math.min(rows, first - at)
        warm().write(block, from, early, at)
        if (early === rows) return
        settle()
        coded!.write(block, from + early, rows - early, at + early)
      },
      weigh: (at, weights) => now().weigh(at, weights),
      read: (from, rows) => now().read(from, rows),
      readInto: (keys, values, at, slot) => now().readInto(keys, values, at, slot),
      readAt: (slots) => now().readAt(slots),
      staged: (block, from, rows) => now().staged(block, from, rows),
      readKeys: (from, rows) => now().readKeys(from, rows),
      distances: (point, from, rows) => now().distances(point, from, rows),
      reserve(tokens) {
        if (coded || tokens <= first) now().reserve(tokens)
        else reserveMemory(coding.codedBytes(options, Math.min(tokens, most), false))
      },
      truncate: (count) => now().truncate(count),
      clear() {
        if (coded && first === 0) return coded.clear()
        coded?.[Symbol.dispose]()
        coded = undefined
        warm().clear()
      },
      attend(queries, partial, causal, inOrder, observed) {
        if (!coded || options.softcap === undefined) return now().attend(queries, partial, causal, inOrder, observed)
        // Kernels over codes have no softcap: heads with one are so rare that a copy in floats will do.
        const floats = heldTokens({ ...options, most: Math.max(1, coded.count) })
        if (coded.count > 0) floats.write(coded.read(), 0, coded.count, 0)
        floats.attend(queries, partial, causal, inOrder)
        floats[Symbol.dispose]()
      },
      addShares: (out, queries, softmax, causal) => now().addShares(out, queries, softmax, causal),
      copy: () => store(options, coding, spec, { raw, coded }),
      saved: () => now().saved(),
      restore(kind, snapshot) {
        if (snapshot.tensors.has('codes')) {
          const restored = codes(coder.centresIn(kind, snapshot))
          restored.restore(kind, snapshot)
          coded?.[Symbol.dispose]()
          coded = restored
          raw?.[Symbol.dispose]()
          raw = undefined
        } else if (snapshot.isSound) warm().restore(kind, snapshot)
        else {
          const block = tokensIn(kind, snapshot, { d, dv, most: first })
          warm().write(block, 0, block.keys.rows, 0)
        }
      },
      [Symbol.dispose]() {
        raw?.[Symbol.dispose]()
        coded?.[Symbol.dispose]()
      },
    },
  )
}

/** The mean of the rows, in float32. */
function mean({ rows, cols, data }: KvBlock['keys']): Float32Array {
  const out = new Float64Array(cols)
  for (let i = 0; i < data.length; i++) out[i % cols] += data[i] / rows
  return Float32Array.from(out)
}
