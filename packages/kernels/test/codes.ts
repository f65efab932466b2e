import type { Kernels } from './all-kernels'
import type { PackedRows } from '../src/index'
import { numbers } from './oracle'

/** Eight factors for pack. */
export const trials = Float64Array.from({ length: 8 }, (_, i) => 1 - (0.4 * i) / 7)

/** Numbers that a header and its codes stand for, in float64, from the definition of PackedRows. */
export function levels(data: Uint8Array, at: number, bits: number, width: number): Float64Array {
  const header = data[at] + 256 * data[at + 1]
  const step = new Float32Array(Uint32Array.of(Math.floor(header / 8) * 2 ** 18).buffer)[0]
  const shift = 0.5 + ((2 * (header % 8) - 7) * 2 ** bits) / 64
  return Float64Array.from({ length: width }, (_, c) => {
    let code = 0
    for (let b = 0; b < bits; b++) {
      const bit = c * bits + b
      code += ((data[at + 2 + Math.floor(bit / 8)] >> (bit % 8)) & 1) << b
    }
    return ((code >= 2 ** (bits - 1) ? code - 2 ** bits : code) + shift) * step
  })
}

/** Rows of different sizes. */
const sized = (x: Float32Array, width: number) =>
  Float64Array.from(x, (entry, i) => entry * 2 ** ((Math.floor(i / width) % 5) - 2))

/** Tokens in codes: keys and values of random size, row by row, in one array. */
export function codedTokens(
  kernels: Kernels,
  { count, d, dv, keyBits, valueBits, seed }: CodedShape,
): { readonly keys: PackedRows; readonly values: PackedRows; readonly data: Uint8Array } {
  const keyBytes = 2 + Math.ceil((d * keyBits) / 8)
  const stride = keyBytes + 2 + Math.ceil((dv * valueBits) / 8)
  const codes = kernels.bytes(count * stride)
  const keys = { codes, offset: 0, stride, bits: keyBits }
  const values = { codes, offset: keyBytes, stride, bits: valueBits }
  kernels.pack(keys, 0, sized(numbers(seed, count * d), d), count, d, trials)
  kernels.pack(values, 0, sized(numbers(seed + 1, count * dv), dv), count, dv, trials)
  return { keys, values, data: codes.read() }
}

export interface CodedShape {
  readonly count: number
  readonly d: number
  readonly dv: number
  readonly keyBits: number
  readonly valueBits: number
  readonly seed: number
}
