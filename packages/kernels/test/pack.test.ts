// Rows to packed codes and the transform before them, against their definitions in float64: every level, every trial, the whole matrix. Kills:
// a step that is not the best of the trials (the first: +8 % squared error at 3 bits), one chosen with half of the lanes, a neighbouring shift
// not tried, a step truncated to its 13 bits, a level off by one, a border taken to the odd code, a sign lost, codes written past
// their row, a row read from its neighbour; a stage of the transform left out, signs of the second half taken from the first,
// `back` in the order of `turn`; a bit by which the two kernels differ.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { scalarKernels, simdKernels, type Kernels } from './all-kernels'
import { levels } from './codes'
import { numbers, place, words } from './oracle'

const both = [simdKernels(), scalarKernels]
const widths = fc.constantFrom(1, 2, 3, 7, 8, 20, 31, 32, 33, 64, 80, 127)

/** To the nearest number whose lower 18 bits in float32 are 0: between its two neighbours, which are found by truncation. */
function rounded(x: number): number {
  const single = new Float32Array([x])
  const word = new Uint32Array(single.buffer)
  const low = (word[0] & 0xfffc0000) >>> 0
  const [a, b] = [low, low + 0x40000].map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0])
  const toLow = single[0] - a
  const toHigh = b - single[0]
  return toLow < toHigh || (toLow === toHigh && (low >>> 18) % 2 === 0) ? a : b
}

const movedBy = (k: number, bits: number) => ((2 * k - 7) * 2 ** bits) / 64
const levelsOf = (k: number, bits: number) =>
  Array.from({ length: 2 ** bits }, (_, code) => code - 2 ** (bits - 1) + 0.5 + movedBy(k, bits))

/** The least squared error of a row with this step and shift: every entry at the nearest of all levels. */
function errorWith(row: Float64Array, step: number, k: number, bits: number): number {
  const own = levelsOf(k, bits).map((level) => level * step)
  return row.reduce((sum, x) => sum + Math.min(...own.map((y) => (y - x) ** 2)), 0)
}

/** Bytes that pack wrote, those around the rows as well. */
function packed(
  kernels: Kernels,
  x: Float64Array,
  { rows, width, bits, offset, gap, asResident }: Shape,
  trials: Float64Array,
) {
  const stride = 2 + Math.ceil((width * bits) / 8) + gap
  const codes = kernels.bytes(offset + (rows + 2) * stride)
  codes.fill(165)
  const { operand } = place(kernels, x, asResident)
  kernels.pack({ codes, offset, stride, bits }, 1, operand, rows, width, trials)
  return { stride, data: codes.read() }
}

interface Shape {
  readonly rows: number
  readonly width: number
  readonly bits: number
  readonly offset: number
  readonly gap: number
  readonly asResident: boolean
}

const shape: fc.Arbitrary<Shape> = fc.record({
  rows: fc.integer({ min: 0, max: 20 }),
  width: widths,
  bits: fc.integer({ min: 2, max: 8 }),
  offset: fc.integer({ min: 0, max: 9 }),
  gap: fc.integer({ min: 0, max: 5 }),
  asResident: fc.boolean(),
})
const someTrials = fc.constantFrom(
  new Float64Array(8).fill(1),
  Float64Array.of(1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6),
)

describe('pack', () => {
  test.prop([shape, someTrials, fc.constantFrom(1e-30, 1, 2 ** 40), fc.nat(1e6)], { seed: 71, numRuns: 100 })(
    'writes the nearest levels for the step of least error, and nothing else, in the same bits from both kernels',
    (given, trials, size, seed) => {
      const { rows, width, bits, offset } = given
      const next = words(seed)
      const bell = () => [0, 1, 2, 3].reduce((sum) => sum + next() / 2 ** 31 - 1, 0)
      const x = Float64Array.from({ length: rows * width }, () => bell() * size)
      const [simd, scalar] = both.map((kernels) => packed(kernels, x, given, trials))
      expect(simd).toEqual(scalar)
      const { stride, data } = simd
      const used = 2 + Math.ceil((width * bits) / 8)
      for (const [at, byte] of data.entries()) {
        const inRow = (at - offset - stride + stride * 1e3) % stride
        const isCode = at >= offset + stride && at < offset + (rows + 1) * stride && inRow < used
        if (!isCode) expect(byte).toBe(165)
      }
      for (let r = 0; r < rows; r++) {
        const row = x.subarray(r * width, (r + 1) * width)
        const at = offset + (r + 1) * stride
        const header = data[at] + 256 * data[at + 1]
        const step = new Float32Array(Uint32Array.of(Math.floor(header / 8) * 2 ** 18).buffer)[0]
        const top = (2 ** bits - 1) / 2
        const [least, most] = [Math.min(...row), Math.max(...row)]
        const reaches = Array.from({ length: 8 }, (_, k) =>
          Math.max(most / (top + movedBy(k, bits)), -least / (top - movedBy(k, bits))),
        )
        const middle = reaches.indexOf(Math.min(...reaches))
        const pairs = [middle - 1, middle, middle + 1]
          .filter((k) => k >= 0 && k < 8)
          .flatMap((k) => Array.from(trials, (trial) => [rounded(trial * reaches[k]), k] as const))
        expect(pairs.map(([one, k]) => `${one} ${k}`)).toContain(`${step} ${header % 8}`)
        const best = Math.min(...pairs.map(([one, k]) => errorWith(row, one, k, bits)))
        const error = levels(data, at, bits, width).reduce((sum, y, c) => sum + (y - row[c]) ** 2, 0)
        expect(Math.abs(error - errorWith(row, step, header % 8, bits))).toBeLessThanOrEqual(1e-12 * error)
        expect(error).toBeLessThanOrEqual(best * (1 + 1e-4) + 1e-12 * least * least) // chosen by float32
      }
    },
  )

  it.each(both)('takes zeros to a step of 0, and halves to the even code, $name', (kernels) => {
    const given = { rows: 2, width: 12, bits: 3, offset: 0, gap: 0, asResident: false }
    // Row 2 reaches from −3.375 to 3.625 by the shift k = 4, which adds 1/8 to ½: its step is 1.
    const row = [-3.375, -2.375, -1.375, -0.375, 0.625, 1.625, 2.625, 3.625, -3.375, 3.625, 0.125, 1.125]
    const x = Float64Array.of(...new Float64Array(12), ...row)
    const { data } = packed(kernels, x, given, new Float64Array(8).fill(1))
    expect([...data.subarray(7, 14)]).toEqual([0, 0, 0, 0, 0, 0, 0])
    const wanted = [-4, -3, -2, -1, 0, 1, 2, 3, -4, 3, 0, 0] // between −1 and 0, and between 0 and 1: both 0
    expect(data[14] % 8).toBe(4)
    expect([...levels(data, 14, 3, 12)]).toEqual(wanted.map((code) => code + 0.625))
  })
})

const someWidth = fc.record({ rows: fc.integer({ min: 0, max: 20 }), width: widths, seed: fc.nat(1e6) })
const signsOf = (width: number, seed: number) => {
  const next = words(seed)
  return Int8Array.from({ length: 2 * width }, () => (next() % 2 === 0 ? 1 : -1))
}

describe('packTurned', () => {
  // Kills: the centre added and not subtracted, or of the next row; an odd width whose last entry is left out; the turn left out.
  test.prop([someWidth, fc.integer({ min: 2, max: 8 }), someTrials], { seed: 73, numRuns: 60 })(
    'writes what turn and pack make of the rest in doubles, in the same bits from both kernels',
    ({ rows, width, seed }, bits, trials) => {
      const [x, centre, signs] = [numbers(seed, rows * width, 3), numbers(seed + 1, width, 3), signsOf(width, seed + 2)]
      const stride = 2 + Math.ceil((width * bits) / 8)
      const [, scalar] = both
      const rest = Float64Array.from(x, (entry, i) => entry - centre[i % width])
      scalar.turn(rest, signs, rows, width)
      const packedBy = (write: (packed: Parameters<Kernels['pack']>[0]) => void, kernels: Kernels) => {
        const codes = kernels.bytes((rows + 2) * stride)
        write({ codes, offset: 0, stride, bits })
        return codes.read()
      }
      const wanted = packedBy((packed) => scalar.pack(packed, 1, rest, rows, width, trials), scalar)
      for (const kernels of both) {
        const own = packedBy((packed) => kernels.packTurned(packed, 1, x, rows, width, trials, centre, signs), kernels)
        expect(own).toEqual(wanted)
      }
    },
  )
})

describe('turnRows', () => {
  // Kills: entries rounded before the centre is added, a row's factor taken for all, a bound on one side only, `back` not passed on.
  test.prop([someWidth, fc.boolean(), fc.constantFrom(0.5, 100), fc.boolean()], { seed: 74, numRuns: 60 })(
    'rounds once what turn makes in doubles, moved and bounded, in the same bits from both kernels',
    ({ rows, width, seed }, isBack, most, isTimed) => {
      const [x, centre, signs] = [numbers(seed, rows * width, 3), numbers(seed + 1, width, 3), signsOf(width, seed + 2)]
      const times = isTimed ? Float64Array.from(numbers(seed + 3, rows, 5)) : undefined
      const whole = Float64Array.from(x)
      both[1].turn(whole, signs, rows, width, isBack)
      const wanted = Float32Array.from(whole, (entry, i) => {
        if (!isBack) return entry + 0
        const moved = entry + (times ? times[Math.floor(i / width)] : 1) * centre[i % width]
        return moved > most ? most : moved < -most ? -most : moved
      })
      for (const kernels of both) {
        const own = x.slice()
        kernels.turnRows(own, own, signs, rows, width, isBack ? { centre, times, most } : undefined)
        expect(own).toEqual(wanted)
      }
    },
  )
})

describe('turn', () => {
  test.prop([widths, fc.integer({ min: 0, max: 300 }), fc.boolean(), fc.nat(1e6)], { seed: 72, numRuns: 80 })(
    'is signs and the Hadamard matrix over the first and the last p entries, comes back, in the same bits from both kernels',
    (width, rows, asResident, seed) => {
      const p = 2 ** Math.floor(Math.log2(width))
      const next = words(seed)
      const signs = Int8Array.from({ length: 2 * p }, () => (next() & 4 ? 1 : -1))
      const x = Float64Array.from(numbers(seed, rows * width))
      const turned = both.map((kernels) => {
        const { operand, result } = place(kernels, x.slice(), asResident)
        kernels.turn(operand, signs, rows, width)
        const there = result().slice()
        kernels.turn(operand, signs, rows, width, true)
        return { there, back: result().slice() }
      })
      expect(turned[0]).toEqual(turned[1])
      const { there, back } = turned[0]
      for (let r = 0; r < Math.min(rows, 3); r++) {
        let row = x.subarray(r * width, (r + 1) * width)
        for (const [from, first] of width > p
          ? [
              [0, 0],
              [width - p, p],
            ]
          : [[0, 0]]) {
          row = row.map((entry, i) => {
            if (i < from || i >= from + p) return entry
            let sum = 0
            for (let j = 0; j < p; j++) {
              const ones = ((i - from) & j).toString(2).replaceAll('0', '').length
              sum += (ones % 2 ? -1 : 1) * signs[first + j] * row[from + j]
            }
            return sum / Math.sqrt(p)
          })
        }
        for (const [c, wanted] of row.entries()) expect(Math.abs(there[r * width + c] - wanted)).toBeLessThan(1e-13)
      }
      for (const [i, entry] of back.entries()) expect(Math.abs(entry - x[i])).toBeLessThan(1e-13)
    },
  )
})
