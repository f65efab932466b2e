import { fromBfloat16, fromHalf, toHalf, isFloat32 } from '@sublinear/core'

/** Type of a number in a file: kind and bytes as NumPy names them; 'bf2' is bfloat16, 'b1' a boolean. */
export type Element = 'f2' | 'f4' | 'f8' | 'bf2' | 'i1' | 'i2' | 'i4' | 'i8' | 'u1' | 'u2' | 'u4' | 'u8' | 'b1'

export const elementBytes: Readonly<Record<Element, number>> = {
  f2: 2,
  f4: 4,
  f8: 8,
  bf2: 2,
  i1: 1,
  i2: 2,
  i4: 4,
  i8: 8,
  u1: 1,
  u2: 2,
  u4: 4,
  u8: 8,
  b1: 1,
}

export type ElementData =
  | (Float32Array | Float64Array)
  | (Int8Array | Int16Array | Int32Array | BigInt64Array)
  | (Uint8Array | Uint16Array | Uint32Array | BigUint64Array)

/**
 * Reads `bytes` (aligned, little endian; they may be used as the array's memory) as numbers: float16 and bfloat16 are widened to float32, booleans are 0 and 1.
 */
export function fromBytes(element: Element, bytes: Uint8Array): ElementData {
  const { buffer, byteOffset: at, length } = bytes
  const count = length / elementBytes[element]
  if (element === 'f2') return fromHalf(new Uint16Array(buffer, at, count))
  if (element === 'bf2') return fromBfloat16(new Uint16Array(buffer, at, count))
  if (element === 'f4') return new Float32Array(buffer, at, count)
  if (element === 'f8') return new Float64Array(buffer, at, count)
  if (element === 'i1') return new Int8Array(buffer, at, count)
  if (element === 'i2') return new Int16Array(buffer, at, count)
  if (element === 'i4') return new Int32Array(buffer, at, count)
  if (element === 'i8') return new BigInt64Array(buffer, at, count)
  if (element === 'u2') return new Uint16Array(buffer, at, count)
  if (element === 'u4') return new Uint32Array(buffer, at, count)
  if (element === 'u8') return new BigUint64Array(buffer, at, count)
  return new Uint8Array(buffer, at, count)
}

/**
 * Converts `bytes` (aligned, little endian) to float32 in `out`, rounded to nearest even where float32 has no such number.
 *
 * @throws RangeError for a boolean that is neither 0 nor 1
 */
export function toFloat32(element: Element, bytes: Uint8Array, out: Float32Array): void {
  const { buffer, byteOffset: at, length } = bytes
  if (element === 'f2') fromHalf(new Uint16Array(buffer, at, length / 2), out)
  else if (element === 'bf2') fromBfloat16(new Uint16Array(buffer, at, length / 2), out)
  else if (element === 'f4') new Uint8Array(out.buffer, out.byteOffset, length).set(bytes) // as bits: no NaN changes
  else if (element === 'i8' || element === 'u8') longToFloat32(element, new Uint32Array(buffer, at, length / 4), out)
  else {
    if (element === 'b1') checkBooleans(bytes)
    out.set(fromBytes(element, bytes) as Float64Array)
  }
}

/**
 * Rounds 64-bit integers to the nearest float32, once. A number that float64 cannot hold is first cut to 53 bits, with an odd last bit where
 * something was cut off, so
 * that the second rounding meets no false tie.
 */
function longToFloat32(element: 'i8' | 'u8', words: Uint32Array, out: Float32Array): void {
  const signed = element === 'i8'
  for (let i = 0; i < words.length / 2; i++) {
    const high = signed ? words[2 * i + 1] | 0 : words[2 * i + 1]
    const low = words[2 * i]
    const cut = Math.abs(high) < 2 ** 21 ? low : ((low & ~2047) | ((low & 2047) === 0 ? 0 : 2048)) >>> 0
    out[i] = high * 2 ** 32 + cut
  }
}

/** Checks that bytes are booleans. @throws RangeError unless all are 0 or 1 */
export function checkBooleans(bytes: Uint8Array): void {
  const wrong = bytes.findIndex((byte) => byte > 1)
  if (wrong >= 0) throw new RangeError(`data: expected booleans of 0 and 1, found ${bytes[wrong]}`)
}

/** Converts numbers to little endian bytes, rounded to nearest even. `at` is the index of the first finite number that becomes infinite, or −1. */
export function toBytes(
  element: 'f2' | 'f4' | 'f8',
  data: Float32Array | Float64Array,
): { bytes: Uint8Array; at: number } {
  if (element === 'f8') return { bytes: bytesOf(new Float64Array(data)), at: -1 }
  const at = element === 'f4' && isFloat32(data) ? -1 : firstBeyond(element, data)
  return { bytes: bytesOf(element === 'f2' ? toHalf(data) : new Float32Array(data)), at }
}

function firstBeyond(element: 'f2' | 'f4', data: Float32Array | Float64Array): number {
  const most = element === 'f2' ? 65520 : 2 ** 128 - 2 ** 103 // from here on the nearest is Infinity
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i])
    if (size >= most && size < Infinity) return i
  }
  return -1
}

/** Reverses the bytes of each element, in place. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse()
}

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
