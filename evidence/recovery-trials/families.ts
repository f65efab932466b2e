import { philox } from '@sublinear/core'
import { sketchKernels } from '@sublinear/kernels'

/** Entries of a vector of length n, the others 0; all keys where `keys` is absent. */
export interface Input {
  readonly keys?: Float64Array
  readonly values: Float64Array
}

export interface Shape {
  readonly n: number
  readonly k: number
  readonly epsilon: number
}

/** The inputs on which sparse recovery is tried: name → the vector of a seed. */
export const families: Record<string, (shape: Shape, random: Random) => Input> = {
  'k signs': ({ n, k }, random) => sparse(random.keys(n, k), () => random.sign()),
  'k Gaussian': ({ n, k }, random) => sparse(random.keys(n, k), () => random.normals(1)[0]),
  'power law 0.5': (shape, random) => powerLaw(shape, random, 0.5),
  'power law 1': (shape, random) => powerLaw(shape, random, 1),
  'power law 1.5': (shape, random) => powerLaw(shape, random, 1.5),
  'spikes of 1': (shape, random) => spikes(shape, random, 1),
  'spikes of 9': (shape, random) => spikes(shape, random, 9),
  'spikes of 900': (shape, random) => spikes(shape, random, 900),
  'all equal': ({ n }) => ({ values: new Float64Array(n).fill(1) }),
  'two groups': ({ n, k }, random) => sparse(random.keys(n, 2 * k), (i) => (i < k ? 1.15 : 1) * random.sign()),
  clusters: (shape, random) => {
    // Runs of eight neighbours, energy 9 each, in Gaussian noise.
    const starts = random.keys(Math.floor(shape.n / 8), Math.ceil(shape.k / 8))
    const keys = Array.from(starts, (start) => Array.from({ length: 8 }, (_, i) => 8 * start + i)).flat()
    return inNoise(shape, random, Float64Array.from(keys.slice(0, shape.k)), 9, () => random.sign())
  },
  'alternating signs': (shape, random) => {
    // A run of k neighbours in +−+−, energy 9 each, over a vector of +−+−.
    const { n, k, epsilon } = shape
    const values = new Float64Array(n).map((_, i) => 1 - 2 * (i % 2))
    const first = random.below(n - k)
    const height = Math.sqrt((9 * epsilon * (n - k)) / k)
    for (let i = 0; i < k; i++) values[first + i] = height * (1 - 2 * (i % 2))
    return { values }
  },
}

function sparse(keys: Float64Array, value: (i: number) => number): Input {
  return { keys, values: Float64Array.from(keys, (_, i) => value(i)) }
}

/** ±rank^−exponent at scattered places. */
function powerLaw({ n }: Shape, random: Random, exponent: number): Input {
  const values = new Float64Array(n).map((_, i) => random.sign() * (i + 1) ** -exponent)
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const kept = values[i]
    values[i] = values[j]
    values[j] = kept
  }
  return { values }
}

function spikes(shape: Shape, random: Random, energy: number): Input {
  return inNoise(shape, random, random.keys(shape.n, shape.k), energy, () => random.sign())
}

/** Gaussian noise, and entries of energy · ε/k · (energy of the noise elsewhere) at the keys. */
function inNoise(
  { n, k, epsilon }: Shape,
  random: Random,
  keys: Float64Array,
  energy: number,
  sign: () => number,
): Input {
  const values = Float64Array.from(random.normals(n))
  for (const key of keys) values[key] = 0
  let tail = 0
  for (const x of values) tail += x * x
  for (const key of keys) values[key] = sign() * Math.sqrt((energy * epsilon * tail) / k)
  return { values }
}

/** Random numbers of a seed. */
export interface Random {
  below(bound: number): number
  sign(): number
  normals(count: number): Float32Array
  /** Different keys below n. */
  keys(n: number, count: number): Float64Array
}

export function randomOf(seed: number): Random {
  const words = new Uint32Array(4)
  let drawn = 0
  let streams = 0
  const word = () => {
    if (drawn % 4 === 0) philox(words, seed, 1, drawn / 4, 0, 0, 0)
    return words[drawn++ % 4]
  }
  const below = (bound: number) => Math.floor((word() / 2 ** 32) * bound)
  return {
    below,
    sign: () => 1 - 2 * (word() >>> 31),
    normals(count) {
      const out = new Float32Array(Math.ceil(count / 4) * 4)
      sketchKernels().normalColumns(out, [seed, 2], streams++, 0, 4, out.length / 4, 1)
      return out.subarray(0, count)
    },
    keys(n, count) {
      const keys = new Set<number>()
      while (keys.size < count) keys.add(below(n))
      return Float64Array.from(keys)
    },
  }
}
