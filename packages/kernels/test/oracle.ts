import type { Kernels } from './all-kernels'
import type { AttentionBlock, ProductForm, Resident } from '../src/index'

/** Numbers in [−size, size) from a seed. */
export function numbers(seed: number, count: number, size = 1): Float32Array {
  const next = words(seed)
  return Float32Array.from({ length: count }, () => (next() / 2 ** 31 - 1) * size)
}

/** A stream of 32-bit words (xorshift-multiply), for test data only. */
export function words(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return (x ^ (x >>> 14)) >>> 0
  }
}

/** The array itself, or a resident copy at an odd offset between sentinels: whoever writes outside it is caught. */
export function place<A extends Float32Array | Float64Array>(kernels: Kernels, array: A, asResident: boolean) {
  if (!asResident) return { operand: array, result: () => array }
  const whole = array instanceof Float32Array ? kernels.floats(array.length + 8) : kernels.doubles(array.length + 8)
  whole.fill(12345)
  const operand = (whole as Resident<A>).range(3, array.length)
  operand.write(array)
  const result = (): A => {
    const all = whole.read()
    for (let i = 0; i < all.length; i++) {
      if ((i < 3 || i >= array.length + 3) && all[i] !== 12345)
        throw new Error(`entry ${i - 3} outside was overwritten`)
    }
    return operand.read()
  }
  return { operand: operand as unknown as A, result }
}

/** a·b in float64, with Σ|a·b| of every entry: the size that rounding errors are relative to. */
export function productOracle(
  form: ProductForm,
  a: Float32Array,
  b: Float32Array,
  rows: number,
  inner: number,
  cols: number,
) {
  const value = new Float64Array(rows * cols)
  const size = new Float64Array(rows * cols)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      for (let k = 0; k < inner; k++) {
        const term = a[form === 'tn' ? k * rows + r : r * inner + k] * b[form === 'nt' ? c * inner + k : k * cols + c]
        value[r * cols + c] += term
        size[r * cols + c] += Math.abs(term)
      }
    }
  }
  return { value, size }
}

/** How many keys row r sees. */
export function visible(block: Pick<AttentionBlock, 'keyCount' | 'causal'>, r: number): number {
  if (!block.causal) return block.keyCount
  return Math.min(block.keyCount, Math.max(0, block.causal.visible + Math.floor(r / block.causal.groups)))
}

export type PlainBlock = AttentionBlock & {
  queries: Float32Array
  keys: Float32Array
  values: Float32Array
  bias?: Float32Array
  max: Float32Array
  mass: Float64Array
  sum: Float32Array
}

/** Softmax attention in float64: the answer, log Σ exp(logit) and Σ weight·|value| of every row. */
export function attentionOracle(block: PlainBlock) {
  const { rows, d, dv, scale } = block
  const answer = new Float64Array(rows * dv)
  const size = new Float64Array(rows * dv)
  const logMass = new Float64Array(rows)
  for (let r = 0; r < rows; r++) {
    const logits = Array.from({ length: visible(block, r) }, (_, j) => {
      let dot = 0
      for (let i = 0; i < d; i++) dot += block.queries[r * d + i] * block.keys[j * d + i]
      return dot * scale + (block.bias ? block.bias[j] : 0)
    })
    const top = logits.reduce((x, y) => Math.max(x, y), -Infinity)
    const weights = logits.map((x) => Math.exp(x - top))
    const mass = weights.reduce((x, y) => x + y, 0)
    logMass[r] = mass === 0 ? -Infinity : top + Math.log(mass)
    weights.forEach((weight, j) => {
      for (let c = 0; c < dv; c++) {
        answer[r * dv + c] += (weight / mass) * block.values[j * dv + c]
        size[r * dv + c] += (weight / mass) * Math.abs(block.values[j * dv + c])
      }
    })
  }
  return { answer, size, logMass }
}

/** The bits, so that comparisons see the last one and the sign of zero. */
export function bits(array: Float32Array | Float64Array): Uint32Array {
  return new Uint32Array(array.slice().buffer)
}

/** Largest |x − y| over `size`, entry by entry; a NaN counts as infinite. */
export function worst(x: ArrayLike<number>, y: ArrayLike<number>, size: (i: number) => number): number {
  let most = 0
  for (let i = 0; i < y.length; i++) {
    const error = x[i] === y[i] ? 0 : Math.abs(x[i] - y[i]) / size(i)
    most = Number.isNaN(error) ? Infinity : Math.max(most, error)
  }
  return most
}
