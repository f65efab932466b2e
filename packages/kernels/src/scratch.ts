/** Kept between calls, in numbers; more are made anew. */
const MOST = 65536

/**
 * Numbers for the length of one call, in an array that is used again by the next one: what blocks of a stream would else leave behind as
 * garbage, block by block and freed late.
 *
 * Cost: per process and use, not per stream: the largest length asked for, at most 65536 numbers.
 *
 * @param make  Float32Array, Float64Array or Int32Array
 * @returns a function: the first `length` numbers of the array, whatever was in them, good until it is called again; above 65536 a fresh array
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
