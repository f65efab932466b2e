import { isUint32 } from '@sublinear/kernels'
import { checkInteger } from '@sublinear/core'

const CHUNK = 4096

/** Checks a range of keys of 53 bits, first … first + count − 1. */
export function checkRange(who: string, first: number, count: number, domain = 2 ** 53): void {
  checkInteger(who, 'first', first, 0, domain - 1)
  checkInteger(who, 'count', count, 0, domain - first)
}

export function checkOut(who: string, out: Uint32Array, length: number): void {
  if (!isUint32(out)) throw new TypeError(`${who}: out must be a Uint32Array`)
  if (out.length < length) throw new RangeError(`${who}: out must have at least ${length} entries, got ${out.length}`)
}

/** Calls `use` with pieces of the keys first … first + count − 1, each with the number in 0 … count − 1 at which it begins. */
export function consecutive(first: number, count: number, use: (keys: Float64Array, at: number) => void): void {
  const keys = new Float64Array(Math.min(count, CHUNK))
  for (let at = 0; at < count; at += CHUNK) {
    const size = Math.min(CHUNK, count - at)
    for (let c = 0; c < size; c++) keys[c] = first + at + c
    use(keys.subarray(0, size), at)
  }
}
