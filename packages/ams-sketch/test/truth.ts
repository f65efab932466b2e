import { philox } from '@sublinear/core'

/** Var⟨Ψu, Ψv⟩ of m rows of 4-wise independent signs over √m: (|u|²|v|² + ⟨u,v⟩² − 2Σuᵢ²vᵢ²)/m. */
export function amsVariance({ u, v, m }: { u: ArrayLike<number>; v: ArrayLike<number>; m: number }): number {
  let [uu, vv, uv, both] = [0, 0, 0, 0]
  for (let i = 0; i < u.length; i++) {
    uu += u[i] ** 2
    vv += v[i] ** 2
    uv += u[i] * v[i]
    both += (u[i] * v[i]) ** 2
  }
  return (uu * vv + uv * uv - 2 * both) / m
}

/** P[Bin(n, p) ≥ k], term by term. */
export function binomialTail(n: number, p: number, k: number): number {
  let log = n * Math.log1p(-p)
  let sum = 0
  for (let i = 0; i <= n; i++) {
    if (i >= k) sum += Math.exp(log)
    log += Math.log(((n - i) / (i + 1)) * (p / (1 - p)))
  }
  return sum
}

/** The most failures in n trials of probability ≤ p that are allowed: more have a probability below 10⁻⁶. */
export function allowed(n: number, p: number): number {
  let k = Math.floor(n * p)
  while (binomialTail(n, p, k + 1) > 1e-6) k++
  return k
}

/** count numbers from −1 to 1. */
export function uniforms(count: number, seed: number): Float32Array {
  const words = new Uint32Array(4)
  return Float32Array.from({ length: count }, (_, i) => {
    philox(words, seed, 0, i, 0, 0, 9)
    return words[0] / 2 ** 31 - 1
  })
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}
