import { squaredError } from './levels.ts'

/** How a vector gets its step. */
export const CHOICES = ['rms', 'largest entry', 'best of 8'] as const
export type Choice = (typeof CHOICES)[number]

/** The step of a vector. */
export type StepOf = (x: Float64Array) => number

const TRIALS = 8

/**
 * The rule of a choice, its one number tuned on these vectors: the factor of the root mean square; the least of eight even factors of the
 * step that reaches the largest entry, which itself has none.
 */
export function stepsFor(choice: Choice, levels: Float64Array, tuning: readonly Float64Array[]): StepOf {
  const top = levels.at(-1)!
  const reaching = (x: Float64Array) => x.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0) / top
  if (choice === 'largest entry') return reaching
  if (choice === 'rms') {
    // Gaussian entries of unit square want a largest level from 1.3 (2 bits) to 4.5.
    const factors = Array.from({ length: 41 }, (_, i) => (1.2 + i / 12) / top)
    return least(factors, tuning, levels, (factor) => (x) => factor * rms(x))
  }
  const factors = Array.from({ length: 16 }, (_, i) => 0.35 + i / 25)
  return least(factors, tuning, levels, (factor) => bestOf8(levels, factor))
}

/** The step with the least squared error of eight, from `least` times the one that reaches the largest entry up to that. */
export function bestOf8(levels: Float64Array, least: number): StepOf {
  const top = levels.at(-1)!
  return (x) => {
    const largest = x.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0)
    let [best, error] = [largest / top, Infinity]
    for (let t = 0; t < TRIALS; t++) {
      const step = ((1 - ((1 - least) * t) / (TRIALS - 1)) * largest) / top
      const found = squaredError(x, levels, step)
      if (found < error) [best, error] = [step, found]
    }
    return best
  }
}

function least(
  factors: readonly number[],
  tuning: readonly Float64Array[],
  levels: Float64Array,
  make: (factor: number) => StepOf,
): StepOf {
  const errors = factors.map((factor) => lost(tuning, levels, make(factor)))
  return make(factors[errors.indexOf(Math.min(...errors))])
}

/** The squared error over the square, of all vectors together. */
export function lost(vectors: readonly Float64Array[], levels: Float64Array, stepOf: StepOf): number {
  let [error, square] = [0, 0]
  for (const x of vectors) {
    const step = stepOf(x)
    if (step > 0) error += squaredError(x, levels, step)
    square += x.length * rms(x) ** 2
  }
  return error / square
}

function rms(x: Float64Array): number {
  return Math.sqrt(x.reduce((sum, entry) => sum + entry * entry, 0) / x.length)
}
