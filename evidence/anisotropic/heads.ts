import { readFileSync } from 'node:fs'
import { matrix, type Matrix } from '@sublinear/core'
import { decodeNpy } from '@sublinear/io'
import type { Tokens } from './cells.ts'

const [LAYERS, HEADS, N, D] = [2, 2, 4096, 32]
/** Tokens before this one are summarised; the queries from here on ask. */
const PREFIX = 3584

/** The sample heads of a model: later queries over the prefix, and the prefix's own queries for the pilot. */
export function headsOf(model: string): Tokens[] {
  const [q, k, v] = ['q', 'k', 'v'].map((part) => {
    const path = new URL(`../../apps/cli/data/${model}-${part}.npy`, import.meta.url)
    return decodeNpy(readFileSync(path)).data as Float32Array
  })
  return Array.from({ length: LAYERS * HEADS }, (_, head) => {
    const rows = (of: ArrayLike<number>, from: number, to: number): Matrix => {
      const first = (head * N + from) * D
      return matrix(
        to - from,
        D,
        Float32Array.from({ length: (to - from) * D }, (_, i) => of[first + i]),
      )
    }
    return {
      keys: rows(k, 0, PREFIX),
      values: rows(v, 0, PREFIX),
      queries: rows(q, PREFIX, N),
      pilotQueries: rows(q, 0, PREFIX),
      scale: 1 / Math.sqrt(D),
    }
  })
}
