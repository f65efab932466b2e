import { featureStream, taylorFeatures } from '@sublinear/attention'
import type { Matrix } from '@sublinear/core'
import { shardPlan } from '../src'
import { rows } from './data/rows.mjs'

export const module = new URL('./data/rows.mjs', import.meta.url).href
export const shape = { d: 3, dv: 2, scale: 0.5 }
export const features = taylorFeatures({ d: 3, degree: 2, scale: 0.5 })

export interface Cut {
  readonly rows?: number
  readonly rowsPerShard?: number
  readonly fanIn?: number
  readonly blockRows?: number
  readonly options?: object
}

/** A plan of the feature stream over generated keys and values. */
export function featurePlan({ rows: count = 1000, rowsPerShard = 70, options, ...cut }: Cut = {}) {
  const source = { module, rows: count, options: { kind: 'kv', cols: 3, dv: 2, ...options } }
  const method = { name: 'taylor', shape, options: { features: features.spec } }
  return shardPlan({ method, source, rowsPerShard, fanIn: 3, ...cut })
}

/** A plan of exact attention over the same. */
export function exactPlan({ rows: count = 1000, rowsPerShard = 70, options, ...cut }: Cut = {}) {
  const source = { module, rows: count, options: { kind: 'kv', cols: 3, dv: 2, ...options } }
  return shardPlan({ method: { name: 'exact', shape }, source, rowsPerShard, fanIn: 3, ...cut })
}

/** All rows of the generated keys and values, as two matrices. */
export function wholeRows(count: number): { keys: Matrix; values: Matrix } {
  const [block] = rows(0, count, { kind: 'kv', cols: 3, dv: 2, block: count })
  return block as { keys: Matrix; values: Matrix }
}

export function oneStream(count: number) {
  const stream = featureStream({ features, dv: 2, name: 'taylor' })
  stream.push(wholeRows(count))
  return stream
}
