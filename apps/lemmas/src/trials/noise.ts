/** Numbers from a seed: the same in every browser, and good enough to draw examples. No sketch takes its randomness from here. */
export interface Noise {
  /** Number in [0, 1). */
  readonly uniform: () => number
  readonly normal: () => number
}

export function noise(seed: number): Noise {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  return { uniform, normal }
}

/** A direction in three dimensions times a length. Its product with any other fixed direction is uniform, by Archimedes' theorem on spheres. */
export function direction({ normal }: Noise, length: number): [number, number, number] {
  const [x, y, z] = [normal(), normal(), normal()]
  const factor = length / Math.hypot(x, y, z)
  return [x * factor, y * factor, z * factor]
}
