// One of the ways of Figure 1 over n tokens: `node child.mjs <plain|features|streams|blocks> n`, for its peak memory.
import { exactAttention, matrix, onePass, osnap, sparseRecovery, taylorFeatures } from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { random } from '@sublinear/laws'

const [d, degree, m2, k] = [4, 4, 1024, 16]
const scale = 1 / d
const n = Number(process.argv[3])

/** A = exp(scale·QKᵀ) as an n × n array, then D⁻¹(AV). */
function plain() {
  const [queries, keys, values] = [1, 2, 3].map((seed) => random(n, d, seed))
  const a = new Float32Array(n * n)
  const out = matrix(n, d)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let score = 0
      for (let c = 0; c < d; c++) score += queries.data[i * d + c] * keys.data[j * d + c]
      a[i * n + j] = Math.exp(scale * score)
    }
  }
  for (let i = 0; i < n; i++) {
    let mass = 0
    for (let j = 0; j < n; j++) {
      mass += a[i * n + j]
      for (let c = 0; c < d; c++) out.data[i * d + c] += a[i * n + j] * values.data[j * d + c]
    }
    for (let c = 0; c < d; c++) out.data[i * d + c] /= mass
  }
  return out
}

/** U₁ and U₂ as n × t arrays, then D̃⁻¹U₁(U₂ᵀV). */
function features() {
  const [queries, keys, values] = [1, 2, 3].map((seed) => random(n, d, seed))
  const map = taylorFeatures({ d, degree, scale })
  const { t } = map
  const [u1, u2, out] = [matrix(n, t), matrix(n, t), matrix(n, d)]
  map.mapQueries(queries, u1, new Float32Array(n))
  map.mapKeys(keys, u2)
  const s = new Float64Array(t * (d + 1)) // U₂ᵀ(V, 1)
  for (let j = 0; j < n; j++) {
    for (let f = 0; f < t; f++) {
      const u = u2.data[j * t + f]
      for (let c = 0; c < d; c++) s[f * (d + 1) + c] += u * values.data[j * d + c]
      s[f * (d + 1) + d] += u
    }
  }
  const row = new Float64Array(d + 1)
  for (let i = 0; i < n; i++) {
    row.fill(0)
    for (let f = 0; f < t; f++) for (let c = 0; c <= d; c++) row[c] += u1.data[i * t + f] * s[f * (d + 1) + c]
    for (let c = 0; c < d; c++) out.data[i * d + c] = row[c] / row[d]
  }
  return out
}

/** Algorithm 1: three passes over streams that are nowhere held, then sparse columns. */
function streams() {
  const block = random(1024, d, 1)
  const phi = sparseRecovery({ n, k: Math.min(k, n), epsilon: 0.5, seed: 2 })
  const map = taylorFeatures({ d, degree, scale })
  const stream = onePass({ features: map, dv: d, psi: osnap({ m: m2, nonzeros: 8, seed: 1 }), phi })
  for (const push of [stream.pushValues, stream.pushKeys, stream.pushQueries]) {
    for (let at = 0; at < n; at += 1024) push(rowsOf(block, 0, Math.min(1024, n - at)))
  }
  return stream.columns()
}

/** The fair rival: Q, K, V and the output held, softmax block by block. */
function blocks() {
  const [queries, keys, values] = [1, 2, 3].map((seed) => random(n, d, seed))
  return exactAttention({ queries, keys, values, scale })
}

const ways = { plain, features, streams, blocks }
ways[process.argv[2]]()
