/** Returns numbers from −1 to 1, cheap to make and decided by the seed. */
export function numbers(length, seed) {
  const out = new Float32Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    out[i] = state / 2 ** 31
  }
  return out
}
