import type { Matrix } from '@sublinear/core'
import type { HeadRows } from './head-files'

/** Kinds of heads for visitors without files of their own. */
export const KINDS = {
  diffuse: 'scores below 1: every token counts a little',
  peaked: 'each query looks for a few tokens',
  hopeless: 'each query looks for one token, anywhere in the past',
} as const
export type Kind = keyof typeof KINDS

/** Makes a head of such a kind, 2048 tokens of width 32; always the same one. */
export function sampleHead(kind: Kind): HeadRows {
  const [rows, cols] = [2048, 32]
  const random = normal(kind.length)
  const fill = (scale: number): Matrix => ({
    rows,
    cols,
    data: Float32Array.from({ length: rows * cols }, () => scale * random()),
  })
  const values = fill(1)
  if (kind === 'diffuse') return { queries: fill(0.4), keys: fill(0.4), values }
  const keys = fill(1)
  const queries = fill(0.3)
  const strength = kind === 'peaked' ? 1 : 3
  for (let r = 0; r < rows; r++) {
    // peaked: the query means one of 24 early tokens. hopeless: it means any earlier token.
    const back = kind === 'peaked' ? (r * 7) % 24 : Math.floor((((r * 2654435761) % 2 ** 32) / 2 ** 32) * (r + 1))
    const factor = kind === 'peaked' && r < 24 ? 2 : 1
    for (let c = 0; c < cols; c++) {
      if (r < 24) keys.data[r * cols + c] *= factor
      queries.data[r * cols + c] += strength * keys.data[back * cols + c]
    }
  }
  return { queries, keys, values }
}

function normal(seed: number): () => number {
  let state = seed >>> 0
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}
