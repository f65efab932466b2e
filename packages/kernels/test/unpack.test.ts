// Packed codes against their definition in float64, bit by bit. Kills: codes read from the wrong byte or bit (at 3, 5, 6, 7 bits every group of
// eight has its own places), a sign left out, a step read in the other byte order, a shift of the wrong sign or size, a stride taken for
// the row's own bytes, rows written over their neighbours, distances that see what lies behind a row.
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { scalarKernels, simdKernels, type Kernels } from './all-kernels'
import { levels } from './codes'
import { bits as bitsOf, numbers, place, words } from './oracle'

const shape = fc.record({
  rows: fc.integer({ min: 0, max: 200 }),
  width: fc.constantFrom(1, 3, 7, 8, 9, 16, 31, 32, 33, 64, 80),
  bits: fc.integer({ min: 2, max: 8 }),
  offset: fc.integer({ min: 0, max: 9 }),
  gap: fc.integer({ min: 0, max: 5 }),
  seed: fc.nat(1e6),
})
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never

/** Random bytes with sane steps, and what they stand for. */
function packed(kernels: Kernels, { width, rows, bits, offset, gap, seed }: Shape) {
  const stride = 2 + Math.ceil((width * bits) / 8) + gap
  const next = words(seed)
  const data = Uint8Array.from({ length: offset + rows * stride }, () => next() & 255)
  const values: Float64Array[] = []
  for (let r = 0; r < rows; r++) {
    const at = offset + r * stride
    const header = ((117 + (next() % 20)) << 8) | (next() & 255) // an exponent, a mantissa and a shift
    data[at] = header & 255
    data[at + 1] = header >> 8
    values.push(levels(data, at, bits, width))
  }
  const codes = kernels.bytes(data.length)
  codes.write(data)
  return { rows: { codes, offset, stride, bits }, values }
}

describe.each([simdKernels(), scalarKernels])('$name', (kernels) => {
  test.prop([shape, fc.boolean(), fc.nat(80)], { seed: 61, numRuns: 200 })(
    'unpack gives every code its level times the step of its row',
    (given, asResident, skip) => {
      const made = packed(kernels, given)
      const first = Math.min(skip, given.rows)
      const out = place(kernels, new Float32Array((given.rows - first) * given.width), asResident)
      kernels.unpack(out.operand, made.rows, first, given.rows - first, given.width)
      expect(bitsOf(out.result())).toEqual(
        bitsOf(Float32Array.from(made.values.slice(first).flatMap((row) => [...row]))),
      )
    },
  )

  test.prop([shape, fc.nat(80)], { seed: 62, numRuns: 100 })(
    'codeDistances are those of these numbers',
    (given, skip) => {
      const made = packed(kernels, given)
      const point = numbers(given.seed + 1, given.width, 2)
      const first = Math.min(skip, given.rows)
      const out = new Float64Array(given.rows - first)
      kernels.codeDistances(out, made.rows, first, given.rows - first, given.width, point)
      for (const [r, row] of made.values.slice(first).entries()) {
        const wanted = row.reduce((sum, x, c) => sum + (x - point[c]) ** 2, 0)
        const size = row.reduce((sum, x, c) => sum + (Math.abs(x) + Math.abs(point[c])) ** 2, 0)
        expect(Math.abs(out[r] - wanted)).toBeLessThan(size * given.width * 2 ** -22)
      }
    },
  )
})

test.prop([shape], { seed: 63, numRuns: 100 })('distances have the same bits from both kernels', (given) => {
  const [one, other] = [simdKernels(), scalarKernels].map((kernels) => {
    const out = new Float64Array(given.rows)
    kernels.codeDistances(
      out,
      packed(kernels, given).rows,
      0,
      given.rows,
      given.width,
      numbers(given.seed + 1, given.width, 2),
    )
    return bitsOf(out)
  })
  expect(one).toEqual(other)
})
