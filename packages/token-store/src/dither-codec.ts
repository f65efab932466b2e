import { philox } from '@sublinear/core'

/** The last word of the Philox counter, so that the dither shares no numbers with other uses of the seed. */
const STREAM = 0x6b76d17e
/** Bytes of the number of a token, which stand before its codes. */
const ID = 4
const words = new Uint32Array(4)
const single = new Float32Array(1)
const bits32 = new Uint32Array(single.buffer)

/**
 * Writes the vectors of a token as bytes: the token's number; then, for its key and for its value, a step of two bytes and a code of a few bits for each entry.
 */
export interface DitherCodec {
  readonly bytes: number
  /** Writes row r of turned and centred keys and values to the bytes at `at`, under the number of its token. */
  encode(keys: Float64Array, values: Float64Array, r: number, id: number, into: Uint8Array, at: number): void
  /** Decodes the row at `at` into entries r·width … of keys and values; returns half their steps in `halves[2r]` and `[2r + 1]`. */
  decode(from: Uint8Array, at: number, r: number, keys: Float64Array, values: Float64Array, halves: Float64Array): void
  /** Whether the row has steps that encode could have written for entries of at most these sizes. */
  isSound(from: Uint8Array, at: number, largestKey: number, largestValue: number): boolean
}

/**
 * Makes a codec with subtractive dither: code = round(z/step + u), decoded (code − u)·step, u uniform on (−½, ½) from Philox at (token, entry).
 * Source: Roberts (1962); Schuchman (1964), who shows that the error is then uniform within half a step to either side, whatever z is, and
 * independent between entries.
 *
 * Guarantee: no entry is clipped: 2^bits − 2 levels reach from minus to plus the row's largest magnitude. u is one of 2^16 numbers, symmetrical about 0.
 * Cost: 8 + ⌈d·keyBits/8⌉ + ⌈dv·valueBits/8⌉ bytes a token; ⌈(d + dv)/8⌉ blocks of Philox to write a token and to read it.
 */
export function ditherCodec(
  {
    d,
    dv,
    keyBits,
    valueBits,
  }: { readonly d: number; readonly dv: number; readonly keyBits: number; readonly valueBits: number },
  [low, high]: readonly [number, number],
): DitherCodec {
  const keyBytes = 2 + Math.ceil((d * keyBits) / 8)
  const bytes = ID + keyBytes + 2 + Math.ceil((dv * valueBits) / 8)
  const dither = new Float64Array(8 * Math.ceil((d + dv) / 8))

  const draw = (id: number) => {
    for (let j = 0; j < dither.length; j += 8) {
      philox(words, low, high, id, j / 8, 0, STREAM)
      for (let i = 0; i < 8; i++) dither[j + i] = (((words[i >> 1] >>> (16 * (i & 1))) & 0xffff) + 0.5) / 65_536 - 0.5
    }
  }
  const put = (
    x: Float64Array,
    from: number,
    width: number,
    bits: number,
    at: number,
    into: Uint8Array,
    first: number,
  ) => {
    let largest = 0
    for (let c = 0; c < width; c++) largest = Math.max(largest, Math.abs(x[from + c]))
    const step = stepFor((2 * largest) / (2 ** bits - 2))
    into[at] = step.header
    into[at + 1] = step.header >>> 8
    let [waiting, filled, to] = [0, 0, at + 2]
    for (let c = 0; c < width; c++) {
      const code = step.value > 0 ? Math.round(x[from + c] / step.value + dither[first + c]) : 0
      waiting |= (code & (2 ** bits - 1)) << filled
      for (filled += bits; filled >= 8; filled -= 8, waiting >>= 8) into[to++] = waiting
    }
    if (filled > 0) into[to] = waiting
  }
  const get = (
    from: Uint8Array,
    at: number,
    width: number,
    bits: number,
    out: Float64Array,
    to: number,
    first: number,
  ) => {
    const step = stepIn(from, at)
    for (let c = 0, bit = 0; c < width; c++, bit += bits) {
      const byte = at + 2 + (bit >> 3)
      const code = (from[byte] | ((from[byte + 1] ?? 0) << 8)) >> (bit & 7)
      out[to + c] = (((code << (32 - bits)) >> (32 - bits)) - dither[first + c]) * step
    }
    return step / 2
  }
  return {
    bytes,
    encode(keys, values, r, id, into, at) {
      for (let i = 0; i < ID; i++) into[at + i] = id >>> (8 * i)
      draw(id)
      put(keys, r * d, d, keyBits, at + ID, into, 0)
      put(values, r * dv, dv, valueBits, at + ID + keyBytes, into, d)
    },
    decode(from, at, r, keys, values, halves) {
      draw((from[at] | (from[at + 1] << 8) | (from[at + 2] << 16) | (from[at + 3] << 24)) >>> 0)
      halves[2 * r] = get(from, at + ID, d, keyBits, keys, r * d, 0)
      halves[2 * r + 1] = get(from, at + ID + keyBytes, dv, valueBits, values, r * dv, d)
    },
    isSound(from, at, largestKey, largestValue) {
      const [key, value] = [stepIn(from, at + ID), stepIn(from, at + ID + keyBytes)]
      return fits(key, keyBits, largestKey) && fits(value, valueBits, largestValue)
    },
  }
}

/** Whether this step is small enough for a row whose largest entry has this size. */
function fits(step: number, bits: number, largest: number): boolean {
  return step >= 0 && (step * (2 ** bits - 2)) / 2 <= largest * (1 + 2 ** -6)
}

/** The smallest step ≥ x whose lower 16 bits are 0. */
function stepFor(x: number): { readonly header: number; readonly value: number } {
  single[0] = x
  bits32[0] &= 0xffff0000
  while (single[0] < x) bits32[0] += 0x10000
  return { header: bits32[0] >>> 16, value: single[0] }
}

function stepIn(from: Uint8Array, at: number): number {
  bits32[0] = (from[at] | (from[at + 1] << 8)) << 16
  return single[0]
}
