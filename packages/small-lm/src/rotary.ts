import type { Rotary } from '@sublinear/core'
import type { ModelConfig } from './config'

/** The rotary embedding of a model's heads, for streams that turn keys themselves. */
export function rotaryOf({ ropeBase }: Pick<ModelConfig, 'ropeBase'>): Rotary {
  return { base: ropeBase, pairing: 'halves' }
}

/** Fills a table that turns nothing. */
export function stillTable(table: Float64Array, rows: number, d: number): void {
  for (let r = 0; r < rows; r++) table.fill(1, r * d, r * d + d / 2).fill(0, r * d + d / 2, (r + 1) * d)
}

/**
 * Writes cosines and sines of the rotary angles at positions first … first + rows − 1 to the table's first rows: rows × d, the d/2 cosines
 * of a position before its sines.
 * Source: RoPE (Su et al. 2021); coordinates i and i + d/2 turn by position·base^(−2i/d). Angles in float64, so that positions may be large.
 */
export function rotaryTable(table: Float64Array, first: number, rows: number, d: number, base: number): void {
  const half = d / 2
  for (let i = 0; i < half; i++) {
    const speed = base ** ((-2 * i) / d)
    for (let r = 0; r < rows; r++) {
      table[r * d + i] = Math.cos((first + r) * speed)
      table[r * d + half + i] = Math.sin((first + r) * speed)
    }
  }
}

/** Place of one head's rows in an array of all heads: `rows` rows, `stride` apart, d columns from column `at` on. */
export interface Place {
  readonly rows: number
  readonly stride: number
  readonly at: number
  readonly d: number
}

/** Copies one head's rows out of x to out (rows × d), turned by the table, and scaled to a length where there is one. */
export function turn(out: Float32Array, x: Float32Array, place: Place, table: Float64Array, length?: number): void {
  const { rows, stride, at, d } = place
  const half = d / 2
  for (let r = 0; r < rows; r++) {
    const from = r * stride + at
    const to = r * d
    let squares = 0
    for (let i = 0; i < half; i++) {
      const a = x[from + i]
      const b = x[from + half + i]
      const cosine = table[to + i]
      const sine = table[to + half + i]
      out[to + i] = a * cosine - b * sine
      out[to + half + i] = a * sine + b * cosine
      squares += a * a + b * b
    }
    if (length === undefined || squares === 0) continue
    const factor = length / Math.sqrt(squares)
    for (let i = to; i < to + d; i++) out[i] *= factor
  }
}

/** Copies one head's rows out of x to out (rows × d). */
export function take(out: Float32Array, x: Float32Array, { rows, stride, at, d }: Place): void {
  for (let r = 0, to = 0; r < rows; r++) for (let c = r * stride + at; c < r * stride + at + d; c++) out[to++] = x[c]
}
