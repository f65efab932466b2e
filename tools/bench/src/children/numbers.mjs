/** Numbers in −1 … 1 made in place, cheap and the same for the same seed. */
export function numbers(length, seed) {
  const out = new Float32Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    out[i] = state / 2 ** 31
  }
  return out
}
