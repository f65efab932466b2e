import { mostOfQuery } from '../rounded-query'

const words = new Uint32Array(1)
const single = new Float32Array(words.buffer)

/** The step of a row: the upper 13 bits of its header are those of a float32. */
export function stepIn(header: number): number {
  words[0] = (header & 0xfff8) << 15
  return single[0]
}

/** The shift that a header adds to its codes, in sixteenths of a step. */
export function shiftIn(header: number, bits: number): number {
  return 8 + (2 * (header & 7) - 7) * 2 ** (bits - 2)
}

/** The header of a step of 13 bits and a shift. */
export function headerOf(step: number, k: number): number {
  single[0] = step
  return (words[0] >>> 15) | k
}

/** Rounds to the nearest number whose lower 18 bits are 0, to the even one of two. */
export function roundedStep(x: number): number {
  single[0] = x
  words[0] = (words[0] + 0x1ffff + ((words[0] >>> 18) & 1)) & 0xfffc0000
  return single[0]
}

export function headerAt(data: Uint8Array, at: number): number {
  return data[at] | (data[at + 1] << 8)
}

/** Reads the first `width` codes from byte `at` on, signed. */
export function codesAt(data: Uint8Array, at: number, bits: number, width: number, out: Int32Array): void {
  for (let c = 0, bit = 0; c < width; c++, bit += bits) {
    const low = at + (bit >> 3)
    const code = (data[low] | ((data[low + 1] ?? 0) << 8)) >> (bit & 7)
    out[c] = (code << (32 - bits)) >> (32 - bits)
  }
}

/** A query rounded to integers, the number that one of them stands for, and a sixteenth of their sum: float32 in the order of assembly/code-scores.ts. */
export interface RoundedQuery {
  readonly integers: Int32Array
  readonly unit: number
  readonly sum: number
}

export function roundedQuery(query: Float32Array, at: number, d: number, scale: number, bits: number): RoundedQuery {
  const scaled = query.subarray(at, at + d).map((x) => x * Math.fround(scale))
  const most = mostOfQuery(bits, d)
  const top = scaled.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0)
  const some = top >= 2 ** -100
  const inverse = some ? Math.fround(most / top) : 0
  const integers = Int32Array.from(scaled, (x) => toEven(Math.fround(x * inverse)))
  const sum = integers.reduce((a, b) => a + b, 0)
  return { integers, unit: some ? Math.fround(top / most) : 0, sum: Math.fround(Math.fround(sum) / 16) }
}

/** The score of a row: (⟨query, codes⟩ + shift·Σ query)·step·unit. */
export function codeScore(
  { integers, unit, sum }: RoundedQuery,
  codes: Int32Array,
  header: number,
  bits: number,
): number {
  let dot = 0 // below 2^31
  for (let i = 0; i < integers.length; i++) dot += integers[i] * codes[i]
  const shifted = Math.fround(Math.fround(dot) + Math.fround(shiftIn(header, bits) * sum))
  return Math.fround(shifted * Math.fround(stepIn(header) * unit))
}

/** Rounds to the nearest integer, to the even one of two; for numbers below 2^51. */
export function toEven(x: number): number {
  return x + 6755399441055744 - 6755399441055744
}
