// Sums over many keys against the same sums in float64. Kills: segments that continue in float32 (2e-4 and more at a million keys of one value), a part that is
// not emptied, a bias or a row of codes cut in another place, a row that sees few keys and depends on those that it does not see, carry without its rest.
import { describe, expect, it } from 'vitest'
import type { AttentionBlock, PackedRows } from '../src/index'
import { scalarKernels, simdKernels, type Kernels } from './all-kernels'
import { numbers } from './oracle'

const d = 2
const dv = 3

function fresh(rows: number) {
  return {
    max: new Float32Array(rows).fill(-Infinity),
    mass: new Float64Array(rows),
    sum: new Float32Array(rows * dv),
  }
}

function averages({ mass, sum }: Pick<AttentionBlock, 'mass' | 'sum'>): number[] {
  return Array.from(sum as Float32Array, (x, i) => x / (mass as Float64Array)[Math.floor(i / dv)])
}

/** Softmax averages in float64; row r sees the first visible + r keys. */
function truth(queries: Float32Array, keys: Float32Array, values: Float32Array, bias: Float32Array, visible: number) {
  const out: number[] = []
  for (let r = 0; r < queries.length / d; r++) {
    const sums = new Float64Array(dv)
    let mass = 0
    for (let j = 0; j < Math.min(keys.length / d, visible + r); j++) {
      let score = bias[j]
      for (let i = 0; i < d; i++) score += queries[r * d + i] * keys[j * d + i]
      mass += Math.exp(score)
      for (let c = 0; c < dv; c++) sums[c] += Math.exp(score) * values[j * dv + c]
    }
    out.push(...Array.from(sums, (x) => (mass > 0 ? x / mass : NaN)))
  }
  return out
}

/** Positive and slowly changing, as where errors of one sign add up. */
const slow = (count: number, cols: number) =>
  Float32Array.from({ length: count * cols }, (_, i) => 0.1 + 0.05 * (i % cols) + (0.01 * Math.floor(i / cols)) / count)

const largest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((x, i) => (Number.isNaN(b[i]) ? 0 : Math.abs(x / b[i] - 1))))

describe.each([simdKernels(), scalarKernels])('attend of many keys, $name', (kernels: Kernels) => {
  const count = kernels.name === 'simd' ? 2 ** 20 + 77 : 2 ** 17 + 77
  const values = slow(count, dv)
  const keys = slow(count, d)
  const bias = slow(count, 1)

  it.each([1, 6])('keeps 1e-5 over a million, %i rows', (rows) => {
    const queries = numbers(3, rows * d)
    const block = { queries, keys, values, bias, rows, keyCount: count, d, dv, scale: 1 }
    const visible = count - 5
    for (const isResident of [false, true]) {
      const out = fresh(rows)
      const [max, mass, sum] = [kernels.floats(rows), kernels.doubles(rows), kernels.floats(rows * dv)]
      max.write(out.max)
      kernels.attend({ ...block, causal: { visible, groups: 1 }, ...(isResident ? { max, mass, sum } : out) })
      const got = isResident ? { mass: mass.read(), sum: sum.read() } : out
      expect(largest(averages(got), truth(queries, keys, values, bias, visible))).toBeLessThan(1e-5)
      if (isResident) expect(max.read().every((x) => x > -Infinity)).toBe(true)
    }
  })

  it('gives a row that sees few keys the bits that it has without the others', () => {
    const rows = 6
    const queries = numbers(4, rows * d)
    const few = fresh(rows)
    const many = fresh(rows)
    const block = { queries, keys, values, bias, rows, d, dv, scale: 1, causal: { visible: 4093, groups: 1 } }
    kernels.attend({ ...block, keyCount: 4096, ...few })
    kernels.attend({ ...block, keyCount: count, ...many })
    expect([...many.sum.subarray(0, 4 * dv)]).toEqual([...few.sum.subarray(0, 4 * dv)])
    expect([...many.mass.subarray(0, 4)]).toEqual([...few.mass.subarray(0, 4)])
    expect(largest(averages(many), truth(queries, keys, values, bias, 4093))).toBeLessThan(1e-5)
  })

  it('continues what came before, larger maxima on either side', () => {
    const rows = 1
    const queries = Float32Array.of(1, 1)
    for (const ramp of [20, -20]) {
      const climbing = bias.map((b, i) => b + (ramp * i) / count)
      const out = fresh(rows)
      const half = 2 ** 16
      const block = { queries, rows, d, dv, scale: 1, ...out }
      kernels.attend({ ...block, keys, values, bias: climbing, keyCount: half })
      kernels.attend({
        ...block,
        keys: keys.subarray(half * d),
        values: values.subarray(half * dv),
        bias: climbing.subarray(half),
        keyCount: count - half,
      })
      expect(largest(averages(out), truth(queries, keys, values, climbing, count))).toBeLessThan(1e-5)
    }
  })
})

describe('attendCodes of many keys', () => {
  const count = 20_000
  const packed = (kernels: Kernels) => {
    const stride = 2 + 2 * d
    const codes = kernels.bytes(2 * count * stride + 64)
    const rows: PackedRows = { codes, offset: 0, stride: 8, bits: 8 }
    const at = { ...rows, offset: 4 }
    const trials = Float64Array.of(1, 0.99, 0.98, 0.97)
    for (const [to, all] of [
      [rows, slow(count, d)],
      [at, slow(count, d)],
    ] as const)
      kernels.pack(to, 0, Float64Array.from(all), count, d, trials)
    return { keys: rows, values: at }
  }
  const run = (kernels: Kernels, rows: number, keyCount: number, visible: number) => {
    const out = { ...fresh(rows), sum: new Float32Array(rows * d) }
    const block = { queries: numbers(5, rows * d), ...packed(kernels), rows, keyCount, d, dv: d, scale: 1 }
    kernels.attendCodes({ ...block, bias: slow(count, 1), causal: { visible, groups: 1 }, ...out })
    return out
  }

  it.each([1, 7])('has the same bits from both kernels, %i rows', (rows) => {
    const [simd, scalar] = [simdKernels(), scalarKernels].map((kernels) => run(kernels, rows, count, 16_381))
    expect(simd).toEqual(scalar)
    const seen = rows > 1 ? 9000 : 4096
    expect(run(simdKernels(), rows, count, seen - rows + 1)).toEqual(run(simdKernels(), rows, seen, seen - rows + 1))
  })
})

describe.each([simdKernels(), scalarKernels])('carry, $name', (kernels: Kernels) => {
  it.each([1, 5, 70_003])('keeps the sum of %i numbers exactly', (count) => {
    const [a, b] = [numbers(6, count).map((x) => x * 1e6), numbers(7, count).map((x, i) => (i % 3 ? x : x * 1e9))]
    const [total, rest] = [kernels.floats(count), kernels.floats(count)]
    total.write(a)
    rest.write(b)
    kernels.carry(total, rest, count)
    const [sum, left] = [total.read(), rest.read()]
    for (let i = 0; i < count; i++) {
      if (sum[i] !== Math.fround(a[i] + b[i])) throw new Error(`entry ${i} is not the rounded sum`)
      if (sum[i] + left[i] !== a[i] + b[i]) throw new Error(`entry ${i} lost something`)
    }
  })

  it('has nothing left that counts after a million addends of one value', () => {
    const [total, rest, one] = [kernels.floats(3), kernels.floats(3), Float32Array.of(0.1, 1 / 3, -7e-4)]
    for (let i = 0; i < 2 ** 20; i++) {
      kernels.addScaled(rest, one, 1, 3)
      kernels.carry(total, rest, 3)
    }
    for (const [c, x] of total.read().entries()) expect(Math.abs(x / (one[c] * 2 ** 20) - 1)).toBeLessThan(1e-7)
  })
})
