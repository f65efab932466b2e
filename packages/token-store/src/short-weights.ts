import { readAnew } from '@sublinear/core'
import { scratch } from '@sublinear/kernels'
import type { SlotWeights } from './slot-weights'

interface ShortWeights extends SlotWeights {
  /** Codes of all slots that exist. */
  readonly codes: Uint16Array | undefined
}

const made = readAnew<ShortWeights, 'codes' | 'all' | 'bias' | 'bytes'>()

const biasScratch = scratch(Float32Array)
const allScratch = scratch(Float32Array)

/** Bits of the mantissa; the bits above are the exponent, from −64 on. */
const MANTISSA = 9
const [HALF, LEAST, MOST] = [64, 2 ** -64, 2 ** 63]
const UNIT = HALF << MANTISSA // the code of 1

/** Rounds a weight to 16 bits: relative error at most 2⁻¹⁰, exact for integers up to 1024. */
export function shortWeight(weight: number): number {
  return weightOf(shortCode(weight))
}

export function shortCode(weight: number): number {
  const bounded = Math.min(MOST, Math.max(LEAST, weight))
  let exponent = Math.floor(Math.log2(bounded))
  if (2 ** exponent > bounded) exponent--
  if (2 ** (exponent + 1) <= bounded) exponent++
  const mantissa = Math.round((bounded / 2 ** exponent - 1) * 2 ** MANTISSA)
  return ((exponent + HALF) << MANTISSA) + mantissa // a full mantissa carries over
}

export function weightOf(code: number): number {
  return 2 ** ((code >> MANTISSA) - HALF) * (1 + (code & (2 ** MANTISSA - 1)) / 2 ** MANTISSA)
}

/**
 * Makes weights of slots in 16 bits each, for tokens that stand for many others. The arrays that the kernels need are made when they are asked for.
 * Source: not from the papers.
 *
 * Guarantee: relative error at most 2⁻¹⁰.
 * Cost: 2 bytes a slot from the first weight that is not 1 on; a logarithm a slot and call.
 */
export function shortWeights(): ShortWeights {
  let codes: Uint16Array | undefined
  let used = 0

  return made(
    {
      codes: () => codes,
      all() {
        if (!codes) return undefined
        const out = allScratch(codes.length)
        for (let i = 0; i < out.length; i++) out[i] = weightOf(codes[i])
        return out
      },
      bias() {
        if (!codes) return undefined
        const out = biasScratch(codes.length)
        for (let i = 0; i < used; i++) out[i] = codes[i] === UNIT ? 0 : Math.log(weightOf(codes[i]))
        return out
      },
      bytes: () => (codes ? 2 * codes.length : 0),
    },
    {
      write(given, rows, at, room) {
        used = Math.max(used, at + rows)
        if (!codes) {
          if (!given?.some((weight) => weight !== 1)) return
          codes = new Uint16Array(room).fill(UNIT)
        }
        for (let i = 0; i < rows; i++) codes[at + i] = given ? shortCode(given[i]) : UNIT
      },
      drop(from, to) {
        codes?.fill(UNIT, from, to)
        used = Math.min(used, from)
        if (codes?.every((code) => code === UNIT)) codes = undefined
      },
      resize(kept, room) {
        used = Math.min(used, kept)
        if (!codes) return
        const other = new Uint16Array(room).fill(UNIT)
        other.set(codes.subarray(0, kept))
        codes = other
      },
      [Symbol.dispose]() {
        codes = undefined
      },
    },
  )
}
