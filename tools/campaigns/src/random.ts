import type { KvBlock, Matrix } from '@sublinear/core'

/** Random choices of one attempt, decided by seed, campaign, unit and index. */
export interface Random {
  /** Draws a number from 0 on, below 1. */
  next(): number
  /** A whole number from 0 on, below `end`. */
  below(end: number): number
  pick<T>(from: readonly T[]): T
  chance(share: number): boolean
  /** A row-major matrix of numbers between −reach and reach. */
  matrix(rows: number, cols: number, reach?: number): Matrix
  /** Tokens, every second time with weights. */
  block(rows: number, d: number, dv: number, weighted?: boolean): KvBlock
}

/** Choices decided by a text that names the attempt. (FNV-1a of it begins a mulberry32 sequence: enough for test data.) */
export function randomOf(name: string): Random {
  let state = 0x811c9dc5
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193)
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const random: Random = {
    next,
    below: (end) => Math.floor(next() * end),
    pick: (from) => from[Math.floor(next() * from.length)],
    chance: (share) => next() < share,
    matrix: (rows, cols, reach = 1) => ({
      rows,
      cols,
      data: Float32Array.from({ length: rows * cols }, () => (2 * next() - 1) * reach),
    }),
    block: (rows, d, dv, weighted = next() < 0.5) => ({
      keys: random.matrix(rows, d),
      values: random.matrix(rows, dv),
      ...(weighted && { weights: Float32Array.from({ length: rows }, () => 0.5 + 3 * next()) }),
    }),
  }
  return random
}
