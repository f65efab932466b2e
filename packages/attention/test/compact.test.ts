// A prefix made into a few weighted tokens. Kills: masses whose update is upside down or forgets the tokens' own weights, a ridge that does not solve its normal
// equations, values fitted where what was kept from the fit says that it harms, attention without the scale or the weights, tokens out of their order,
// a choice that forgets what was chosen, weights of Nyström solved in the wrong order, the power that a key has of its own left out, parts whose places are mixed.
import { pickedRows } from '@sublinear/core'
import { clusters, restoreClusters } from '@sublinear/kv-cache'
import { random } from '@sublinear/laws'
import { describe, expect, it } from 'vitest'
import { compact, exactAttention, exactStream, matrix, normalise, type Matrix } from '../src'
import { addedValues, answering, fittedMasses, gramOf } from '../src/fitted-set'

const scale = 0.7
const relative = (got: Matrix, exact: Matrix) => {
  let [off, all] = [0, 0]
  for (const [i, one] of exact.data.entries()) {
    off += (got.data[i] - one) ** 2
    all += one ** 2
  }
  return Math.sqrt(off / all)
}
const over = (queries: Matrix, block: { keys: Matrix; values: Matrix; weights?: Float32Array | undefined }) => {
  const stream = exactStream({ d: block.keys.cols, dv: block.values.cols, scale })
  stream.push(block)
  return normalise(stream.attend(queries))
}
const joined = (a: Matrix, b: Matrix) => matrix(a.rows + b.rows, a.cols, Float32Array.of(...a.data, ...b.data))
/** Rows about some centres, two to a side. */
const clumps = (rows: number, seed: number): Matrix => {
  const noise = random(rows, 4, seed)
  const centres = random(12, 4, 77)
  return matrix(
    rows,
    4,
    noise.data.map((one, i) => 0.3 * one + 2 * centres.data[(Math.floor(i / 4) % 12) * 4 + (i % 4)]),
  )
}

/** The tokens that stayed, with their own values and weights of 1: their keys are those of the prefix, in its order. */
const unfitted = (few: { keys: Matrix }, { keys, values }: { keys: Matrix; values: Matrix }) => {
  const own = matrix(few.keys.rows, values.cols)
  for (let j = 0, at = 0; j < own.rows; j++, at++) {
    while (!few.keys.data.subarray(4 * j, 4 * j + 4).every((one, c) => one === keys.data[4 * at + c])) at++
    own.data.set(values.data.subarray(values.cols * at, values.cols * (at + 1)), values.cols * j)
  }
  return { keys: few.keys, values: own }
}

describe('what is fitted', () => {
  const [rows, count, dv] = [60, 5, 3]
  const truth = Float64Array.of(1, 0.25, 9, 2, 40)
  const raw = random(rows, count, 5).data.map((one) => Math.exp(one))
  const shares = new Float64Array(rows * count)
  for (let r = 0; r < rows; r++) {
    let mass = 0
    for (let j = 0; j < count; j++) mass += raw[r * count + j] * truth[j]
    for (let j = 0; j < count; j++) shares[r * count + j] = raw[r * count + j] / mass
  }
  const wanted = { rows, count, dv, shares, answers: new Float64Array(rows * dv) }
  const massOff = (masses: Float64Array) => {
    let off = 0
    for (let r = 0; r < rows; r++) {
      let mass = -1
      for (let j = 0; j < count; j++) mass += shares[r * count + j] * masses[j]
      off += mass ** 2 / rows
    }
    return Math.sqrt(off)
  }

  it.each([
    ['1', new Float64Array(count).fill(1)],
    ['their own', Float64Array.of(2, 2, 2, 2, 20)],
  ])('masses come to those that make up for all tokens, from %s on', (_, own) => {
    const found = fittedMasses(wanted, own)
    expect(found.every((one) => one > 0)).toBe(true)
    expect(massOff(own)).toBeGreaterThan(0.4)
    expect(massOff(found)).toBeLessThan(0.35 * massOff(own))
  })

  it('values solve the normal equations of the ridge', () => {
    const weights = answering(wanted, truth)
    for (let r = 0; r < rows; r++) {
      const sum = weights.subarray(r * count, (r + 1) * count).reduce((a, b) => a + b, 0)
      expect(sum).toBeCloseTo(1, 12)
    }
    const missing = Float64Array.from(random(rows, dv, 6).data)
    const gram = gramOf(weights, rows, count)
    const ridge = 0.01
    const added = addedValues(wanted, weights, missing, gram, ridge)
    let shift = 0
    for (let r = 0; r < rows; r++) shift += (ridge * gram[r * rows + r]) / rows
    // (WᵀW + λ) X = Wᵀ M, entry by entry.
    for (let j = 0; j < count; j++) {
      for (let c = 0; c < dv; c++) {
        let [left, right] = [shift * added[j * dv + c], 0]
        for (let r = 0; r < rows; r++) {
          let answer = 0
          for (let i = 0; i < count; i++) answer += weights[r * count + i] * added[i * dv + c]
          left += weights[r * count + j] * answer
          right += weights[r * count + j] * missing[r * dv + c]
        }
        expect(left).toBeCloseTo(right, 8)
      }
    }
  })
})

describe('compact', () => {
  const [keys, queries, asked] = [clumps(480, 1), clumps(200, 2), clumps(100, 3)]
  const values = random(480, 3, 4)
  const block = { keys, values }

  it('keeps all tokens that there is room for, as they are', () => {
    const weights = Float32Array.from({ length: 480 }, (_, i) => 1 + (i % 3))
    const few = compact({ ...block, weights, queries, scale, count: 480 })
    expect([few.keys.data, few.values.data, few.weights]).toEqual([keys.data, values.data, weights])
    expect(few.weights).not.toBe(weights)
  })

  it('holds a twentieth of a prefix in clumps, by other questions, where its tokens alone do not', () => {
    const few = compact({ ...block, queries, scale, count: 24 })
    expect(few.keys.rows).toBe(24)
    const exact = exactAttention({ queries: asked, ...block, scale })
    const without = relative(over(asked, unfitted(few, block)), exact)
    const found = relative(over(asked, few), exact)
    expect(without).toBeGreaterThan(0.6)
    expect(found).toBeLessThan(0.35 * without)
  })

  it('minds weights: a token of weight 3 is three', () => {
    const weights = Float32Array.from({ length: 480 }, (_, i) => (i % 5 === 0 ? 12 : 1))
    const few = compact({ ...block, weights, queries, scale, count: 48 })
    const exact = over(asked, { ...block, weights })
    const most = compact({ ...block, weights, queries, scale, count: 470 })
    expect(relative(over(asked, most), exact)).toBeLessThan(0.002)
    expect(relative(over(asked, few), exact)).toBeLessThan(0.6 * relative(over(asked, block), exact))
  })

  it('leaves values as they are where a fit would harm', () => {
    // One token each is looked at, and questions have nothing in common: what is fitted to some says nothing of others.
    const far = random(400, 4, 8)
    const sharp = matrix(
      400,
      4,
      far.data.map((one) => 30 * one),
    )
    const prefix = { keys: sharp, values: random(400, 3, 9) }
    const few = compact({ ...prefix, queries: random(64, 4, 10), scale, count: 40 })
    const others = random(100, 4, 11)
    const exact = exactAttention({ queries: others, ...prefix, scale })
    const without = relative(over(others, unfitted(few, prefix)), exact)
    expect(relative(over(others, few), exact)).toBeLessThan(1.01 * without)
  })

  it('is a beginning that streams go on from', () => {
    const few = compact({ ...block, queries, scale, count: 48 })
    const stream = clusters({ count: 160, buffer: 1 })({ d: 4, dv: 3, scale })
    stream.push(few)
    const later = { keys: clumps(96, 21), values: random(96, 3, 22) }
    stream.push(later)
    expect(stream.tokens).toBe(144)
    const weights = new Float32Array(144).fill(1)
    weights.set(few.weights)
    const both = { keys: joined(few.keys, later.keys), values: joined(few.values, later.values), weights }
    const got = normalise(stream.attend(asked))
    expect(relative(got, over(asked, both))).toBeLessThan(1e-5)
    const whole = { keys: joined(keys, later.keys), values: joined(values, later.values) }
    expect(relative(got, over(asked, whole))).toBeLessThan(0.5)
  })

  describe.each(['questions', 'nystrom'] as const)('by %s', (by) => {
    const given = { ...block, ...(by === 'questions' && { queries }), scale, by }

    it.each([1, 7, 60, 300])(
      'has %i tokens, in the order of the prefix, each with a mass and values within its reach',
      (count) => {
        const few = compact({ ...given, count })
        expect([few.keys.rows, few.values.rows, few.weights.length]).toEqual([count, count, count])
        expect(unfitted(few, block).keys.rows).toBe(count) // each is found after the one before
        expect(few.weights.every((weight) => weight > 0 && Number.isFinite(weight))).toBe(true)
        expect(few.values.data.every(Number.isFinite)).toBe(true)
      },
    )

    it('is a function of what is given', () => {
      expect(compact({ ...given, count: 40 })).toEqual(compact({ ...given, count: 40 }))
    })

    it('answers other questions better than its tokens alone, and than as many tokens evenly over the prefix', () => {
      const few = compact({ ...given, count: 48 })
      const exact = exactAttention({ queries: asked, ...block, scale })
      const evenly = Array.from({ length: 48 }, (_, i) => 10 * i)
      const plain = { keys: pickedRows(keys, evenly), values: pickedRows(values, evenly) }
      const found = relative(over(asked, few), exact)
      expect(found).toBeLessThan(0.5 * relative(over(asked, unfitted(few, block)), exact))
      expect(found).toBeLessThan(0.5 * relative(over(asked, plain), exact))
    })

    it('goes on from a snapshot of the stream that took it as from the stream', () => {
      const few = compact({ ...given, count: 48 })
      const stream = clusters({ count: 100, buffer: 4 })({ d: 4, dv: 3, scale })
      stream.push(few)
      const again = restoreClusters(stream.toBytes())
      const later = { keys: clumps(30, 23), values: random(30, 3, 24) }
      for (const one of [stream, again]) one.push(later)
      expect(again.attend(asked)).toEqual(stream.attend(asked))
    })
  })

  describe('by nystrom', () => {
    it('gives equal keys to the one that is chosen, with all their weight and the mean of their values', () => {
      const three = [0, 1, 2]
      const rows = Array.from({ length: 60 }, (_, i) => three[i % 3])
      const few = compact({
        keys: matrix(60, 4, Float32Array.from(rows.flatMap((own) => [own, 2 - own, own * own, 0]))),
        values: matrix(
          60,
          1,
          Float32Array.from({ length: 60 }, (_, i) => i),
        ),
        weights: Float32Array.from({ length: 60 }, (_, i) => 1 + (i % 2)),
        scale,
        count: 12,
        by: 'nystrom',
      })
      expect(few.keys.rows).toBe(3) // more would be copies
      const order = Array.from(three, (j) => few.keys.data[4 * j])
      for (const [j, own] of order.entries()) {
        // Places own, own + 3, … of weight 1 and 2 in turns: weight 30, mean (Σ place · weight)/30.
        const places = Array.from({ length: 20 }, (_, i) => own + 3 * i)
        const mass = places.reduce((sum, place) => sum + 1 + (place % 2), 0)
        const mean = places.reduce((sum, place) => sum + place * (1 + (place % 2)), 0) / mass
        expect(few.weights[j]).toBeCloseTo(mass, 2)
        expect(few.values.data[j]).toBeCloseTo(mean, 2)
      }
    })

    it('chooses by its seed, and long prefixes in parts', () => {
      const few = (seed: number, count: number) => compact({ ...block, scale, count, by: 'nystrom', seed })
      expect(few(1, 40)).toEqual(few(1, 40))
      expect(few(1, 40).keys).not.toEqual(few(2, 40).keys)
      const parts = few(1, 300) // two parts of 240 tokens that keep 150 each
      const first = unfitted(parts, block).keys.data.slice(0, 600)
      const half = keys.data.subarray(0, 960)
      for (let at = 0, own = 0; own < first.length; own += 4, at += 4) {
        while (first[own] !== half[at] && at < half.length) at += 4
        expect(at).toBeLessThan(half.length)
      }
    })

    it('stays finite where keys are far or all the same', () => {
      for (const size of [0, 1e-30, 1e4, 1e12]) {
        const large = matrix(
          480,
          4,
          keys.data.map((x) => x * size),
        )
        const few = compact({ keys: large, values, scale, count: 30, by: 'nystrom' })
        expect(few.weights.every((weight) => weight > 0 && Number.isFinite(weight))).toBe(true)
        expect(few.values.data.every((x) => Math.abs(x) <= Math.max(...values.data.map(Math.abs)))).toBe(true)
      }
    })
  })

  it('refuses what does not fit', () => {
    const given = { ...block, queries, scale, count: 8 }
    expect(() => compact({ ...given, count: 0 })).toThrow('compact: count must be')
    expect(() => compact({ ...given, queries: random(3, 4, 1) })).toThrow('compact: queries.rows must be')
    expect(() => compact({ ...given, queries: random(9, 5, 1) })).toThrow(/^compact: queries/)
    expect(() => compact({ ...given, values: random(479, 3, 1) })).toThrow(/^compact: values/)
    expect(() => compact({ ...given, weights: new Float32Array(480) })).toThrow(/^compact: weights/)
    expect(() => compact({ ...given, scale: Number.NaN })).toThrow(/^compact: scale/)
    expect(() => compact({ ...given, many: 3 } as never)).toThrow(/^compact: .*many/)
    expect(() => compact({ ...given, by: 'omp' as never })).toThrow("compact: by must be 'questions' or 'nystrom'")
    expect(() => compact({ ...block, scale, count: 8 })).toThrow(/^compact: queries/)
    expect(() => compact({ ...given, by: 'nystrom', seed: -1 })).toThrow(/^compact: seed/)
    expect(() => compact({ ...given, by: 'nystrom', queries: random(9, 5, 1) })).toThrow(/^compact: queries/)
  })
})
