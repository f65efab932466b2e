import { fromBrain, fromHalf, toHalf, isFloat32 } from '@sublinear/core'

/** How one number lies in a file; 'bf2' is bfloat16. */
export type Element = 'f2' | 'f4' | 'f8' | 'i4' | 'bf2'

export const elementBytes = { f2: 2, f4: 4, f8: 8, i4: 4, bf2: 2 } as const

export type ElementData = Float32Array | Float64Array | Int32Array

/** `bytes` (aligned, little endian, kept or reused) as numbers: float64 and int32 as they are, everything else as float32. */
export function fromBytes(element: Element, bytes: Uint8Array): ElementData {
  const { buffer, byteOffset: at, length } = bytes
  if (element === 'f2') return fromHalf(new Uint16Array(buffer, at, length / 2))
  if (element === 'bf2') return fromBrain(new Uint16Array(buffer, at, length / 2))
  if (element === 'f4') return new Float32Array(buffer, at, length / 4)
  if (element === 'f8') return new Float64Array(buffer, at, length / 8)
  return new Int32Array(buffer, at, length / 4)
}

/** Writes `bytes` (aligned, little endian) into `out` as float32, rounded to nearest where float32 has no such number. */
export function toFloat32(element: Element, bytes: Uint8Array, out: Float32Array): void {
  const { buffer, byteOffset: at, length } = bytes
  if (element === 'f2') fromHalf(new Uint16Array(buffer, at, length / 2), out)
  else if (element === 'bf2') fromBrain(new Uint16Array(buffer, at, length / 2), out)
  else if (element === 'f4') new Uint8Array(out.buffer, out.byteOffset, length).set(bytes) // as bits: no NaN changes
  else out.set(fromBytes(element, bytes))
}

/** Numbers as little endian bytes, rounded to nearest even; `at` is the first finite one that becomes infinite, or −1. */
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

/** Turns each element's bytes around, in place. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse()
}

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
