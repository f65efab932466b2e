import { regimeOf, type Regime } from '../../../cli/src/regime'
import type { HeadRows } from './head-files'

/** Kind of a head, and the figures of its last queries that tell it. */
export interface HeadKind {
  readonly kind: Regime
  readonly largestScore: number
  /** Share of a query's attention that its largest token receives, the median. */
  readonly peak: number
  /** Tokens over which a query's attention spreads: e^entropy, mean. */
  readonly effectiveKeys: number
}

/** Tells the kind of a head from every fourth of its last queries, by the rule of the command `inspect`. */
export function kindOf({ queries, keys }: Pick<HeadRows, 'queries' | 'keys'>, last: number): HeadKind {
  const { cols } = keys
  const scale = 1 / Math.sqrt(cols)
  const meanKey = new Float64Array(cols)
  for (let i = 0; i < keys.rows * cols; i++) meanKey[i % cols] += keys.data[i] / keys.rows
  const peaks: number[] = []
  let [largestScore, low, high, spread] = [-Infinity, Infinity, -Infinity, 0]
  for (let r = queries.rows - last; r < queries.rows; r += 4) {
    const row = queries.data.subarray(r * cols, (r + 1) * cols)
    const scores = Float64Array.from({ length: r + 1 }, (_, k) => {
      let sum = 0
      for (let c = 0; c < cols; c++) sum += row[c] * keys.data[k * cols + c]
      return scale * sum
    })
    const centre = scale * row.reduce((sum, x, c) => sum + x * meanKey[c], 0)
    const most = scores.reduce((a, b) => Math.max(a, b))
    const least = scores.reduce((a, b) => Math.min(a, b))
    largestScore = Math.max(largestScore, most)
    low = Math.min(low, least - centre)
    high = Math.max(high, most - centre)
    let [mass, weighted] = [0, 0]
    for (const score of scores) {
      mass += Math.exp(score - most)
      weighted += (score - most) * Math.exp(score - most)
    }
    peaks.push(1 / mass)
    spread += mass * Math.exp(-weighted / mass) // e^entropy
  }
  const effectiveKeys = spread / peaks.length
  return {
    kind: regimeOf({ effectiveKeys, centredScores: [low, high] }),
    largestScore,
    peak: peaks.toSorted((a, b) => a - b)[peaks.length >> 1],
    effectiveKeys,
  }
}
