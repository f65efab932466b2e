// Packed codes against their definition in float64, bit by bit. Kills: codes read from the wrong byte or bit (at 3, 5, 6, 7 bits every group of
// eight has its own places), a step read as float16 or in the other byte order, a level off by a half or without its cubic term
// (2u²/4^bits: up to 50 % of a level), a stride taken for the row's own bytes, rows written over their neighbours, attend that
// unpacks another block of rows than it answers over.
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { scalarKernels, simdKernels, type Kernels } from '../src/index'
import { bits as bitsOf, numbers, place, words } from './oracle'

const shape = fc.record({
  rows: fc.integer({ min: 0, max: 200 }),
  width: fc.constantFrom(1, 3, 7, 8, 9, 16, 31, 32, 33, 64, 80),
  bits: fc.integer({ min: 2, max: 8 }),
  offset: fc.integer({ min: 0, max: 9 }),
  gap: fc.integer({ min: 0, max: 5 }),
  seed: fc.nat(1e6),
})

/** Random rows of codes, with the codes and the steps that they were made of. */
function packed(
  kernels: Kernels,
  width: number,
  rows: number,
  bits: number,
  offset: number,
  gap: number,
  seed: number,
) {
  const stride = 2 + Math.ceil((width * bits) / 8) + gap
  const data = new Uint8Array(offset + rows * stride)
  const next = words(seed)
  const values = new Float64Array(rows * width)
  for (let r = 0; r < rows; r++) {
    const at = offset + r * stride
    const mantissa = 128 + (next() % 128)
    const exponent = (next() % 20) - 10
    const step = mantissa * 2 ** (exponent - 7)
    const word = ((exponent + 127) << 7) | (mantissa - 128)
    data[at] = word & 255
    data[at + 1] = word >> 8
    for (let c = 0; c < width; c++) {
      const code = next() % 2 ** bits
      for (let b = 0; b < bits; b++) {
        const bit = c * bits + b
        if ((code >> b) & 1) data[at + 2 + Math.floor(bit / 8)] |= 1 << (bit % 8)
      }
      const u = code - (2 ** bits - 1) / 2
      values[r * width + c] = Math.fround(Math.fround(u * (1 + (2 * u * u) / 4 ** bits)) * step)
    }
  }
  const codes = kernels.bytes(data.length)
  codes.write(data)
  return { rows: { codes, offset, stride, bits }, values }
}

describe.each([simdKernels(), scalarKernels])('unpack, $name', (kernels) => {
  test.prop([shape, fc.boolean(), fc.nat(80)], { seed: 61, numRuns: 200 })(
    'gives every code its level times the step of its row',
    ({ rows, width, bits, offset, gap, seed }, asResident, skip) => {
      const made = packed(kernels, width, rows, bits, offset, gap, seed)
      const first = Math.min(skip, rows)
      const out = place(kernels, new Float32Array((rows - first) * width), asResident)
      kernels.unpack(out.operand, made.rows, first, rows - first, width)
      expect(bitsOf(out.result())).toEqual(bitsOf(Float32Array.from(made.values.subarray(first * width))))
    },
  )

  test.prop([shape, fc.integer({ min: 1, max: 12 }), fc.integer({ min: -5, max: 250 })], { seed: 62, numRuns: 60 })(
    'attend over packed rows is attend over what they stand for, bit for bit',
    ({ rows, width, bits, offset, gap, seed }, asked, visible) => {
      const keys = packed(kernels, width, rows, bits, offset, gap, seed)
      const values = packed(kernels, 5, rows, 10 - bits, gap, offset, seed + 1)
      const answer = (packedRows: boolean) => {
        const state = {
          max: new Float32Array(asked).fill(-Infinity),
          mass: new Float64Array(asked),
          sum: new Float32Array(asked * 5),
        }
        kernels.attend({
          queries: numbers(seed, asked * width),
          keys: packedRows ? keys.rows : Float32Array.from(keys.values),
          values: packedRows ? values.rows : Float32Array.from(values.values),
          bias: numbers(seed + 2, rows),
          rows: asked,
          keyCount: rows,
          d: width,
          dv: 5,
          scale: 0.001,
          causal: { visible, groups: 2 },
          ...state,
        })
        return [bitsOf(state.max), bitsOf(state.mass), bitsOf(state.sum)]
      }
      expect(answer(true)).toEqual(answer(false))
    },
  )
})
