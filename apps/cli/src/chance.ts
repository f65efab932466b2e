import { philox } from '@sublinear/core'

const words = new Uint32Array(4)

/** A number in (0, 1) that depends on three numbers alone: a stream of random numbers, and a place in it. */
export function chance(stream: number, first: number, second = 0): number {
  philox(words, stream, 0, first, second, 0, 0)
  return (words[1] * 2 ** 21 + (words[0] >>> 11) + 0.5) / 2 ** 53
}
