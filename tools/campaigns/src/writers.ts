import { encodeNpy } from '@sublinear/io'
import { randomOf } from './random.ts'
import type { Matrix } from '@sublinear/core'

const [ROWS, PIECES] = [400, 12]

/** Two contents that a writer of files writes in turn. */
export function contents(): {
  readonly old: Uint8Array
  readonly fresh: Uint8Array
  rows(of: number, piece: number): Matrix
} {
  const both = [1, 2].map((turn) => randomOf(`content ${turn}`).matrix(ROWS * PIECES, 8))
  return {
    old: encodeNpy(both[0]),
    fresh: encodeNpy(both[1]),
    rows: (turn, piece) => ({
      rows: ROWS,
      cols: 8,
      data: both[turn - 1].data.subarray(piece * ROWS * 8, (piece + 1) * ROWS * 8),
    }),
  }
}
