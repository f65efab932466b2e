const words = new Int32Array(1)
const single = new Float32Array(words.buffer)
const fround = Math.fround

const INVERSE = fround(Math.LOG2E)
const MAGIC = 12583039
const LN2 = fround(Math.LN2)
const LOWEST = fround(-88.1)
const REST = [0.008290272, 0.04189816, 0.16667639, 0.49999148, 0.9999997, 1].map(fround)

/** e^x for x ≤ 0, also −∞: the steps of `weight` in assembly/exponential.ts in float32 and in the same order, so the same bits. */
export function weight(x: number): number {
  const clamped = Math.max(x, LOWEST)
  single[0] = fround(clamped * INVERSE) + MAGIC
  const shifted = single[0]
  const r = fround(clamped - fround(fround(shifted - MAGIC) * LN2))
  let p = REST[0]
  for (let i = 1; i < REST.length; i++) p = fround(fround(p * r) + REST[i])
  words[0] <<= 23
  return fround(p * single[0])
}

/** The sum of numbers in the order of four lanes: each fourth number in one lane, then (0 + 2) + (1 + 3). */
export function lanesSum(x: Float32Array, count: number): number {
  const lanes = new Float32Array(4)
  for (let i = 0; i < count; i++) lanes[i & 3] += x[i]
  return fround(fround(lanes[0] + lanes[2]) + fround(lanes[1] + lanes[3]))
}
