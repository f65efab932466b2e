// Measured bars, by held-out tokens, against exact attention in float64 over all tokens. Keys and values of two kinds, of which a closure makes one Gaussian: an error
// that no theory gives. 96 streams of 12 rows of 24 entries each. Kills: bars of half the variance (they cover 0.75 and less), a summary's mass left out of the gap,
// a gap that is not shrunk by what the sample is unsure of, bars that follow the sample's error alone, parts that do not add up, answers that change when they are asked for bars.
// a sample that takes itself for all there is where its largest tokens are missing.
// False alarms: none, seeds are fixed; of other seeds 0.1 a kind: over 3 other sets of 96 streams a closure covers 0.964 ± 0.004, and 0.97 is allowed. Misses: half the variance below 1e-9
// (it covers 0.15 to 0.67, with a deviation of 0.02). The mutants `measured: …` of tools/mutants are found.
import {
  closureStream,
  errorBars,
  exactAttention,
  normalise,
  openStream,
  policies,
  quantised,
} from '@sublinear/attention'
import { rowsOf, type AttentionStream, type KvBlock } from '@sublinear/core'
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { judged, n, shape, twoKinds } from '../../../evidence/error-bars/two-kinds'

const { measured, window } = policies

/** Shares of the entries of rows without a flag within 1.96 and 1.96/√2 standard errors, and bars over errors. */
function coverage(make: (seed: number) => AttentionStream, apart: number, seeds = 96) {
  let [within, half, count, flags, bars, errors] = [0, 0, 0, 0, 0, 0]
  for (let seed = 0; seed < seeds; seed++) {
    const { queries, ...block } = twoKinds(100_000 + 5 * seed, apart)
    const truth = exactAttention({ queries, ...block, scale: shape.scale }).data
    const stream = make(seed)
    stream.push(block)
    const partial = stream.attend(queries, { errorBars: true })
    const answers = normalise(partial).data
    expect(stream.attend(queries).sum.data).toEqual(partial.sum.data)
    const { error, flagged, measured: isMeasured } = errorBars(partial)
    expect(isMeasured.every((one) => one === 1)).toBe(true)
    for (const [i, x] of answers.entries()) {
      const row = Math.floor(i / 24)
      if (i % 24 === 0) flags += flagged[row]
      if (flagged[row]) continue
      const off = Math.abs(x - truth[i])
      count++
      bars += error.data[i] ** 2
      errors += off ** 2
      if (off <= 1.96 * error.data[i]) within++
      if (off <= (1.96 / Math.SQRT2) * error.data[i]) half++
    }
  }
  return { share: within / count, half: half / count, flags: flags / (12 * seeds), width: Math.sqrt(bars / errors) }
}

const closure = (seed: number) => measured({ of: closureStream, count: 300, seed })(shape)

describe('measured bars', () => {
  it.each<(typeof judged)[number]>([
    ...judged,
    [
      'a closure, by tokens in dithered codes',
      2,
      (seed: number) =>
        measured({ of: closureStream, count: 300, seed, store: quantised({ keyBits: 8, valueBits: 8, dither: seed }) })(
          shape,
        ),
    ],
  ])(
    "of %s cover between 0.93 and 0.97, of far keys up to 0.98, where the error is beyond the sample's own",
    (name, apart, make) => {
      const { share, half, flags, width } = coverage(make, apart)
      expect(share).toBeGreaterThan(0.93)
      expect(share).toBeLessThan(name.startsWith('far keys') ? 0.98 : 0.97)
      expect(half).toBeLessThan(0.9)
      expect(flags).toBeLessThan(0.1)
      expect(width).toBeLessThan(1.5)
    },
    120_000,
  )

  it('cover more, and are wide, where the summary is better than the sample can tell', () => {
    const { share, width } = coverage(closure, 0, 4)
    expect(share).toBeGreaterThan(0.97)
    expect(width).toBeGreaterThan(2)
  }, 120_000)

  it('of a sample of all tokens are the error itself', () => {
    const { queries, ...block } = twoKinds(7, 2)
    const stream = measured({ of: closureStream, count: n, seed: 1 })(shape)
    stream.push(block)
    const partial = stream.attend(queries, { errorBars: true })
    const answers = normalise(partial).data
    const truth = exactAttention({ queries, ...block, scale: shape.scale }).data
    const { error } = errorBars(partial)
    for (const [i, x] of error.data.entries()) expect(Math.abs(x - Math.abs(answers[i] - truth[i]))).toBeLessThan(1e-4)
  })

  it('come row by row in a causal step, go on from a snapshot, a fork and a reset in the same bits, and count the sample', () => {
    const { queries, ...block } = twoKinds(11, 2)
    const part = (from: number, to: number): KvBlock => ({
      keys: rowsOf(block.keys, from, to),
      values: rowsOf(block.values, from, to),
    })
    const stream = closure(1)
    stream.push(part(0, 900))
    const [saved, forked] = [openStream(stream.toBytes()), stream.fork()]
    const asked = { ...queries, rows: 100, data: random(100, 8, 5).data }
    const answers = [stream, saved, forked].map((one) => one.step(part(900, n), asked, { errorBars: true }))
    const bars = answers.map((one) => errorBars(one))
    for (const i of [1, 2]) {
      expect(answers[i].sum.data).toEqual(answers[0].sum.data)
      expect(bars[i]).toEqual(bars[0])
    }
    const [early, late] = [closure(1), closure(1)]
    early.push(part(0, 901))
    late.push(part(0, n))
    for (const [row, one] of [[0, early] as const, [99, late] as const]) {
      const alone = errorBars(one.attend(rowsOf(asked, row, row + 1), { errorBars: true }))
      for (let c = 0; c < 24; c++) expect(bars[0].error.data[24 * row + c] / alone.error.data[c]).toBeCloseTo(1, 3)
    }
    const plain = closureStream(shape)
    plain.push(block)
    expect(stream.bytes - plain.bytes).toBeGreaterThan(300 * 4 * 32)
    stream.reset()
    expect(stream.tokens).toBe(0)
    const fresh = closure(1)
    for (const one of [stream, fresh]) one.push(part(0, 900))
    expect(stream.toBytes()).toEqual(fresh.toBytes())
  })

  it('are flagged where the sample cannot judge: few tokens, few entries; and refused by plain codes', () => {
    const { queries, ...block } = twoKinds(13, 1)
    const few = measured({ of: closureStream, count: 30, seed: 1 })(shape)
    few.push(block)
    expect(errorBars(few.attend(queries, { errorBars: true })).flagged.every((flag) => flag === 1)).toBe(true)
    const narrow = measured({ of: closureStream, count: 300, seed: 1 })({ ...shape, dv: 2 })
    narrow.push({ keys: block.keys, values: random(n, 2, 1) })
    expect(errorBars(narrow.attend(queries, { errorBars: true })).flagged.every((flag) => flag === 1)).toBe(true)
    const coded = measured({ of: closureStream, count: 300, seed: 1, store: quantised({ keyBits: 8, valueBits: 8 }) })(
      shape,
    )
    coded.push(block)
    expect(() => coded.attend(queries, { errorBars: true })).toThrow(/measured: gives no error bars: .*dither/)
    expect(() => coded.step(block, block.keys, { errorBars: true })).toThrow(TypeError)
    expect(coded.tokens).toBe(n)
  })

  it('refuses what is none, and what is of another shape', () => {
    expect(() => measured({ of: 3 as never, count: 9, seed: 1 })).toThrow(/measured: of must be a stream of a shape/)
    expect(() => measured({ of: closureStream, count: 0, seed: 1 })).toThrow(RangeError)
    expect(() => measured({ of: () => closureStream({ ...shape, dv: 3 }), count: 9, seed: 1 })(shape)).toThrow(
      /of the shape/,
    )
    expect(() => closure(1).merge(closure(1))).toThrow(/merging is none/)
    const disposed = measured({ of: window({ count: 4 }), count: 9, seed: 1 })(shape)
    disposed[Symbol.dispose]()
    expect(() => disposed.push(twoKinds(1, 0))).toThrow(/disposed/)
  })
})
