import type { KvBlock } from '@sublinear/core'

/** Moments of tokens in float64: columns are those of the keys, then those of the values. */
export interface Moments {
  readonly weight: number
  readonly mean: readonly number[]
  readonly low: readonly number[]
  readonly high: readonly number[]
  /** Covariance of two columns. */
  spread(a: number, b: number): number
}

/**
 * Sums up moments in float64, by sums of squares around the first token: all entries are of the order of 1, so that 10^7 of them leave nine digits and more.
 */
export function moments(width: number) {
  let weight = 0
  let centre: number[] | undefined
  const sums = Array.from({ length: width }, () => 0)
  const squares = Array.from({ length: width * width }, () => 0)
  const low = Array.from({ length: width }, () => Infinity)
  const high = Array.from({ length: width }, () => -Infinity)

  /** Sums of a block around the centre. */
  const sumsOf = ({ keys, values }: KvBlock) => {
    const [own, ownSquares] = [sums.map(() => 0), squares.map(() => 0)]
    for (let r = 0; r < keys.rows; r++) {
      const entries = entriesOf({ keys, values }, r)
      centre ??= entries
      for (let a = 0; a < width; a++) {
        const x = entries[a] - centre[a]
        own[a] += x
        for (let b = 0; b < width; b++) ownSquares[a * width + b] += x * (entries[b] - centre[b])
      }
    }
    return { own, ownSquares }
  }

  return {
    add(block: KvBlock): void {
      const { own, ownSquares } = sumsOf(block)
      weight += block.keys.rows
      for (const [a, x] of own.entries()) sums[a] += x
      for (const [at, x] of ownSquares.entries()) squares[at] += x
      for (let r = 0; r < block.keys.rows; r++)
        for (const [c, x] of entriesOf(block, r).entries()) {
          low[c] = Math.min(low[c], x)
          high[c] = Math.max(high[c], x)
        }
    },
    /** The moments of all tokens but some that were added; extremes are those of all. */
    without(block: KvBlock): Moments {
      const { own, ownSquares } = sumsOf(block)
      const left = weight - block.keys.rows
      const means = sums.map((x, a) => (x - own[a]) / left)
      return {
        weight: left,
        mean: means.map((x, a) => x + centre![a]),
        low,
        high,
        spread: (a, b) => (squares[a * width + b] - ownSquares[a * width + b]) / left - means[a] * means[b],
      }
    },
  }
}

function entriesOf({ keys, values }: KvBlock, row: number): number[] {
  return [
    ...keys.data.subarray(row * keys.cols, (row + 1) * keys.cols),
    ...values.data.subarray(row * values.cols, (row + 1) * values.cols),
  ]
}
