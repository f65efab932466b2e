// Three workers with a third of the keys, values and queries each: add up keys and values, hand the sum out, then push queries.
// `node examples/shards.ts`
import {
  exactAttention,
  gaussianSketch,
  matrix,
  onePass,
  openOnePass,
  sparseRecovery,
  taylorFeatures,
} from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'

const n = 3000
const keys = matrix(
  n,
  1,
  Float32Array.from({ length: n }, (_, i) => Math.sin(i)),
)
const values = matrix(
  n,
  1,
  keys.data.map((key) => 2 * key),
)
const queries = matrix(
  n,
  1,
  Float32Array.from({ length: n }, (_, i) => (i === 2500 ? 2 : 0)),
)
const parts = {
  features: taylorFeatures({ d: 1, degree: 6, scale: 1 }),
  psi: gaussianSketch({ m: 256, seed: 1 }), // the same Ψ and Φ everywhere: they are their seeds
  phi: sparseRecovery({ n, k: 1, epsilon: 0.5, seed: 2 }),
}
const shards = [0, 1000, 2000].map((from) => {
  const shard = onePass({ ...parts, dv: 1 })
  shard.pushKeys(rowsOf(keys, from, from + 1000), from)
  shard.pushValues(rowsOf(values, from, from + 1000), from)
  return shard
})
const sum = shards.reduce((all, shard) => (all.merge(shard), all))
console.log(sum.keys, sum.values) // 3000 3000

const copies = [0, 1000, 2000].map((from) => {
  const copy = openOnePass(sum.toBytes()) // all of U₂ᵀ1: every row of D is right
  copy.pushQueries(rowsOf(queries, from, from + 1000), from)
  return copy
})
const whole = copies.reduce((all, copy) => (all.merge(copy), all))
const [column] = whole.columns()
const truth = exactAttention({ queries: rowsOf(queries, 2500, 2501), keys, values, scale: 1 })
console.log(column.indices[0], column.values[0].toFixed(1), truth.data[0].toFixed(1)) // 2500 1.6 1.4
