/** ⟨a, b⟩ of the first n entries, in float64. */
export const dot = (a: ArrayLike<number>, b: ArrayLike<number>, n = a.length) => {
  let sum = 0
  for (let i = 0; i < n; i++) sum += a[i] * b[i]
  return sum
}

/** Σ s^j/j! for j ≤ degree, from the highest term down. */
export const taylor = (degree: number, s: number) => {
  let p = 1
  for (let j = degree; j >= 1; j--) p = 1 + (p * s) / j
  return p
}
