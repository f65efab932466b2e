import { heavyHitters, type HeavyHitter } from '@sublinear/sparse-recovery'
import { families, randomOf, type Input, type Shape } from './families.ts'

/** Most that rounding may add, as a share of ‖x‖: inputs of k entries have a tail of 0. */
const ROUNDING = 1e-9

export interface Trial {
  /** ‖x′ − x‖ over tail_k(x); over ‖x‖ where the tail is 0. */
  readonly ratio: number
  readonly success: boolean
  /** The same with 2k entries. */
  readonly wide: boolean
}

/** One input of a family, measured and decoded: the truth is the dense vector's, its tail found by sorting. */
export function trial(family: string, shape: Shape, seed: number): Trial {
  const input = families[family](shape, randomOf(seed))
  const { n, k, epsilon } = shape
  const stream = heavyHitters({ n, k, epsilon, seed })
  const { keys, values } = input
  for (let c = 0; c < values.length; c++) stream.update(keys ? keys[c] : c, values[c])
  const { norm, tail } = sizesOf(values, shape.k)
  const distances = [shape.k, 2 * shape.k].map((count) => distanceOf(input, valuesOf(stream.top(count, { above: 0 }))))
  const within = (error: number) => error <= (1 + shape.epsilon) * tail + ROUNDING * norm
  return {
    ratio: distances[0] / (tail > 0 ? tail : norm),
    success: within(distances[0]),
    wide: within(distances[1]),
  }
}

/** ‖x‖ and tail_k(x), by sorting. */
export function sizesOf(values: Float64Array, k: number): { norm: number; tail: number } {
  const squares = values.map((x) => x * x).toSorted()
  let sum = 0
  for (let i = 0; i < squares.length - k; i++) sum += squares[i]
  const tail = Math.sqrt(sum)
  for (let i = Math.max(0, squares.length - k); i < squares.length; i++) sum += squares[i]
  return { norm: Math.sqrt(sum), tail }
}

/** Answers as entries of a sparse vector. */
export function valuesOf(top: readonly HeavyHitter[]): { index: number; value: number }[] {
  return top.map(({ index, estimate }) => ({ index, value: estimate }))
}

/** ‖x′ − x‖ for the sparse vector x′. */
export function distanceOf({ keys, values }: Input, top: readonly { index: number; value: number }[]): number {
  const guess = new Map(top.map(({ index, value }) => [index, value]))
  let sum = 0
  for (let c = 0; c < values.length; c++) {
    const key = keys ? keys[c] : c
    sum += (values[c] - (guess.get(key) ?? 0)) ** 2
    guess.delete(key)
  }
  for (const value of guess.values()) sum += value ** 2
  return Math.sqrt(sum)
}
