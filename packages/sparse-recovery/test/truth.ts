/** Random numbers of a test: a multiplicative congruential sequence. */
export interface Random {
  below(bound: number): number
  sign(): number
  normal(): number
}

export function randomOf(seed: number): Random {
  let state = (seed * 2654435761 + 12345) % 2147483647 || 1
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647
  for (let i = 0; i < 8; i++) uniform()
  return {
    below: (bound) =>
      Math.min(bound - 1, Math.floor((Math.floor(uniform() * 65536) / 65536 + uniform() / 65536) * bound)),
    sign: () => (uniform() < 0.5 ? -1 : 1),
    normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  }
}

/** The ℓ₂ norm without the k entries of largest magnitude, by sorting. */
export function tailOf(x: Float64Array, k: number): number {
  const squares = x.map((value) => value * value).toSorted()
  let sum = 0
  for (let i = 0; i < squares.length - k; i++) sum += squares[i]
  return Math.sqrt(sum)
}
