/** Largest number of entries that is kept between calls; a larger array is made anew each time. */
const MOST = 65536

/**
 * Makes scratch: numbers for the length of one call, in an array that the next call uses again. Without it, each block of a stream would leave garbage behind,
 * which is freed late.
 *
 * Cost: for each process and use, not for each stream: the largest length asked for, at most 65536 numbers.
 *
 * @param make  Float32Array, Float64Array or Int32Array
 * @returns a function that gives the first `length` numbers of the array, with whatever was in them, valid until it is called again; above 65536 a fresh array
 */
export function scratch<A extends Float32Array | Float64Array | Int32Array>(
  make: new (length: number) => A,
): (length: number) => A {
  let all = new make(0)
  let last = all
  return (length) => {
    if (length > MOST) return new make(length)
    if (length > all.length) last = all = new make(length)
    if (length !== last.length) last = all.subarray(0, length) as A
    return last
  }
}
