// The one-pass pipeline: which of 100 000 queries, none of them stored, have the largest outputs? `node examples/one-pass.ts`
import { matrix, onePass, osnap, sparseRecovery, taylorFeatures } from '@sublinear/attention'

const [n, d, block] = [100_000, 4, 1000]
const wave = (row: number, c: number) => Math.sin(row * (c + 1) * 1.7) // any rows, made as they are read
const rows = (from: number, entry: (row: number, c: number) => number) =>
  matrix(
    block,
    d,
    Float32Array.from({ length: block * d }, (_, i) => entry(from + Math.floor(i / d), i % d)),
  )
const loud = new Map([
  [1234, 3],
  [67_890, -3],
]) // the two queries that ask for anything

const stream = onePass({
  features: taylorFeatures({ d, degree: 4, scale: 1 / d }), // φ(q)·φ(k) ≈ exp(⟨q, k⟩/d), t = 70
  dv: d,
  psi: osnap({ m: 2048, nonzeros: 8, seed: 1 }), // Ψ, for keys and values
  phi: sparseRecovery({ n, k: 2, epsilon: 0.5, seed: 2 }), // Φ, for queries
})
for (let i = 0; i < n; i += block) stream.pushValues(rows(i, (row, c) => wave(row, c))) // sk(V)
for (let i = 0; i < n; i += block) stream.pushKeys(rows(i, (row, c) => wave(row, c))) // sk(U₂), U₂ᵀ1
for (let i = 0; i < n; i += block) stream.pushQueries(rows(i, (row, c) => (c === 0 ? (loud.get(row) ?? 0) : 0))) // sk(D⁻¹U₁)

const [first] = stream.columns() // Z = sk(D⁻¹U₁)·sk(U₂)ᵀ·sk(V), decoded
console.log(first.indices.join(' '), [...first.values].map((x) => x.toFixed(1)).join(' ')) // 1234 67890 0.4 -0.4
console.log(stream.bytes < 4 * n * d, stream.counters.fallbacks) // true 0
