// Kills: a missing rescale of sum or mass, −∞ − (−∞), a mask off by one, groups or a negative offset ignored, bias dropped or
// scaled, scores of the wrong key in a tail of 1–3, stale lanes of a short strip, scratch too small for wide rows.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels, type Kernels } from './all-kernels'
import { type AttentionBlock } from '../src/index'
import { attentionOracle, numbers, place, worst, type PlainBlock } from './oracle'

const width = fc.oneof(fc.constantFrom(1, 8, 16, 32, 64, 128), fc.integer({ min: 1, max: 70 }))
const shape = fc.record({
  rows: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 250, max: 300 })),
  keyCount: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 250, max: 400 })),
  d: width,
  dv: width,
  causal: fc.option(fc.record({ visible: fc.integer({ min: -80, max: 200 }), groups: fc.integer({ min: 1, max: 3 }) })),
  biased: fc.boolean(),
  resident: fc.integer({ min: 0, max: 127 }),
  seed: fc.nat(1e6),
})
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never

function block({ rows, keyCount, d, dv, causal, biased, seed }: Shape, logits = 4): PlainBlock {
  return {
    rows,
    keyCount,
    d,
    dv,
    scale: logits / d,
    ...(causal ? { causal } : {}),
    queries: numbers(seed, rows * d),
    keys: numbers(seed + 1, keyCount * d),
    values: numbers(seed + 2, keyCount * dv),
    ...(biased ? { bias: numbers(seed + 3, keyCount, 2) } : {}),
    max: new Float32Array(rows).fill(-Infinity),
    mass: new Float64Array(rows),
    sum: new Float32Array(rows * dv),
  }
}

/** Runs a block with the operands that the bits of `resident` name in the kernels' memory, and reads the state back. */
function run(kernels: Kernels, plain: PlainBlock, resident: number): void {
  const { queries, keys, values, bias, max, mass, sum } = plain
  const state = [place(kernels, max, (resident & 1) > 0), place(kernels, sum, (resident & 2) > 0)] as const
  const masses = place(kernels, mass, (resident & 4) > 0)
  const given: AttentionBlock = {
    ...plain,
    queries: place(kernels, queries, (resident & 8) > 0).operand,
    keys: place(kernels, keys, (resident & 16) > 0).operand,
    values: place(kernels, values, (resident & 32) > 0).operand,
    ...(bias ? { bias: place(kernels, bias, (resident & 64) > 0).operand } : {}),
    max: state[0].operand,
    mass: masses.operand,
    sum: state[1].operand,
  }
  kernels.attend(given)
  max.set(state[0].result())
  sum.set(state[1].result())
  mass.set(masses.result())
}

function check(got: PlainBlock, tolerance: number): void {
  const { answer, size, logMass } = attentionOracle(got)
  const normalised = got.sum.map((x, i) => (x === 0 ? 0 : x / got.mass[Math.floor(i / got.dv)]))
  expect(worst(normalised, answer, (i) => size[i])).toBeLessThan(tolerance)
  const log = got.mass.map((mass, r) => (mass === 0 ? -Infinity : got.max[r] + Math.log(mass)))
  expect(worst(log, logMass, () => 1)).toBeLessThan(tolerance)
  for (let r = 0; r < got.rows; r++) expect(got.max[r] === -Infinity).toBe(got.mass[r] === 0)
}

describe.each([simdKernels(), scalarKernels])('attend of the $name kernels', (kernels) => {
  test.prop([shape], { seed: 3, numRuns: 120 })('equals the float64 oracle', (drawn) => {
    const plain = block(drawn)
    run(kernels, plain, drawn.resident)
    check(plain, 1e-5)
  })

  // Integer queries, keys and biases make the logits exact, so that only the softmax itself can be wrong.
  test.prop([shape], { seed: 4, numRuns: 60 })('is as exact for logits of ±400', (drawn) => {
    const plain = block(drawn)
    plain.queries.forEach((x, i) => (plain.queries[i] = i % drawn.d === 0 ? Math.round(x * 20) : 0))
    plain.keys.forEach((x, i) => (plain.keys[i] = Math.round(x * 20)))
    plain.bias?.forEach((x, i) => (plain.bias![i] = Math.round(x)))
    const exact: PlainBlock = { ...plain, scale: 1 }
    run(kernels, exact, drawn.resident)
    check(exact, 1e-5)
  })

  test.prop([shape, fc.integer({ min: 0, max: 400 })], { seed: 5, numRuns: 60 })(
    'goes on where an earlier call stopped',
    (drawn, at) => {
      const whole = block(drawn, 30)
      const cut = Math.min(at, drawn.keyCount)
      for (const [from, to] of [
        [0, cut],
        [cut, drawn.keyCount],
      ]) {
        const part: PlainBlock = {
          ...whole,
          keyCount: to - from,
          keys: whole.keys.subarray(from * drawn.d, to * drawn.d),
          values: whole.values.subarray(from * drawn.dv, to * drawn.dv),
          ...(whole.bias ? { bias: whole.bias.subarray(from, to) } : {}),
          ...(whole.causal ? { causal: { ...whole.causal, visible: whole.causal.visible - from } } : {}),
        }
        run(kernels, part, drawn.resident)
      }
      check(whole, 1e-5)
    },
  )

  it('answers rows wider than the scratch tiles', () => {
    const drawn = { rows: 9, keyCount: 70, d: 3001, dv: 5003, causal: null, biased: true, resident: 0, seed: 6 }
    const plain = block(drawn, 30)
    run(kernels, plain, 0)
    check(plain, 1e-5)
  })

  it('leaves a row that sees nothing as it was', () => {
    const drawn = {
      rows: 20,
      keyCount: 10,
      d: 4,
      dv: 4,
      causal: { visible: -50, groups: 1 },
      biased: false,
      resident: 0,
      seed: 7,
    }
    const plain = block(drawn)
    plain.max.fill(2)
    plain.mass.fill(3)
    plain.sum.fill(4)
    run(kernels, plain, 0)
    expect([plain.max[19], plain.mass[19], plain.sum[79]]).toEqual([2, 3, 4])
  })
})
