// What a head computes, against answers of fixtures/heads.py (NumPy, float64, whole matrices) and against laws' oracle (float64, score by score).
// Kills: a cap after the slope or the weights, a sink counted once a block, of another head, or in the numerator; a window off by one or by the cut, pages let
// go of too early; pairs of the other kind, a width for d, places from the call's begin, a table not applied; values of turned keys; a slope that loses
// places in float32.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot, rowsOf, type Matrix, type Shape } from '@sublinear/core'
import { distance, headOracle, random } from '@sublinear/laws'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { exactAttention, exactStream, normalise, restoreExactStream } from '../src'

const any = (value: unknown) => value as never

interface Case {
  readonly name: string
  readonly seed: number
  readonly n: number
  readonly groups: number
  readonly reach: number
  readonly shape: Shape
  readonly rows: readonly number[]
  readonly answers: readonly (readonly number[])[]
}

const cases = JSON.parse(readFileSync(new URL('fixtures/heads.json', import.meta.url), 'utf8')) as readonly Case[]

function inputs({ seed, n, groups, reach, shape: { d, dv, values } }: Case) {
  const keys = random(n, d, seed + 100, reach)
  return {
    queries: random(n * groups, d, seed, reach),
    keys,
    values: values ? { rows: n, cols: 0, data: new Float32Array(0) } : random(n, dv, seed + 200),
  }
}

function* pieces({ keys, values }: { readonly keys: Matrix; readonly values: Matrix }, sizes: readonly number[]) {
  for (let from = 0, i = 0; from < keys.rows; i++) {
    const to = Math.min(keys.rows, from + sizes[i % sizes.length])
    yield { piece: { keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) }, from, to }
    from = to
  }
}

/** Answers of steps of these sizes, in turn. */
function stepped(shape: Shape, queries: Matrix, block: { keys: Matrix; values: Matrix }, cut: readonly number[]) {
  let stream = exactStream(shape)
  const groups = queries.rows / block.keys.rows
  const out = new Float32Array(queries.rows * shape.dv)
  let isHalf = false
  for (const { piece, from, to } of pieces(block, cut)) {
    const answers = normalise(stream.step(piece, rowsOf(queries, from * groups, to * groups)))
    out.set(answers.data, from * groups * shape.dv)
    if (!isHalf && to > block.keys.rows / 2) {
      isHalf = true
      stream = restoreExactStream(stream.toBytes()) // goes on from a snapshot
    }
  }
  return { out, stream }
}

const cuts = { 'in one block': [2 ** 20], 'in ragged blocks': [1, 63, 7, 64, 2, 130], 'token by token': [1] }

describe.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
  const { shape, n, groups, rows, answers } = one
  const { queries, keys, values } = inputs(one)
  const wanted = (out: Float32Array) =>
    Math.max(...rows.map((r, i) => distance(out.subarray(r * shape.dv, (r + 1) * shape.dv), answers[i])))

  it.each(Object.entries(cuts))('%s agrees with NumPy', (_, cut) => {
    const { out } = stepped(shape, queries, { keys, values }, cut)
    expect(wanted(out)).toBeLessThan(2e-6)
  })

  it('exactAttention agrees with NumPy, and with the oracle in every row', () => {
    const { d: _d, dv, values: inKeys, ...rest } = shape
    const given = inKeys ? { values: inKeys, dv } : { values }
    const got = exactAttention({ queries, keys, ...rest, ...given, causal: true })
    expect(wanted(got.data)).toBeLessThan(2e-6)
    if (shape.d < 100) expect(distance(got.data, headOracle(shape, queries, keys, values, groups))).toBeLessThan(2e-6)
  })

  it('attend asks from the place of the last token', () => {
    const { stream } = stepped(shape, queries, { keys, values }, [50])
    const last = rowsOf(queries, (n - 1) * groups, n * groups)
    const found = normalise(stream.attend(last)).data
    expect(distance(found, headOracle(shape, last, keys, values, groups, n - 1))).toBeLessThan(2e-6)
  })
})

describe('a window', () => {
  test.prop(
    [
      fc.constantFrom(1, 2, 127, 128, 700),
      fc.array(fc.constantFrom(1, 5, 64, 200, 1000), { minLength: 1, maxLength: 3 }),
    ],
    { seed: 5, numRuns: 30 },
  )('sees exactly its tokens, whatever the cut', (window, cut) => {
    const shape = { d: 4, dv: 3, scale: 0.7, window }
    const n = 2000
    const [queries, keys, values] = [random(n, 4, 1), random(n, 4, 2), random(n, 3, 3)]
    const { out, stream } = stepped(shape, queries, { keys, values }, cut)
    const few = [0, 1, window - 1, window, window + 1, 777, 1500, 1999].filter((row) => row < n)
    for (const row of few) {
      const own = headOracle(shape, rowsOf(queries, row, row + 1), keys, values, 1, row)
      expect(distance(out.subarray(row * 3, row * 3 + 3), own)).toBeLessThan(2e-6)
    }
    const one = exactStream(shape)
    one.step({ keys, values }, queries)
    expect(stream.toBytes()).toEqual(one.toBytes())
  })

  it('of 4096 tokens is exact, and what is out of it is let go of', () => {
    const shape = { d: 4, dv: 3, scale: 0.7, window: 4096 }
    const n = 20_000
    const [queries, keys, values] = [random(n, 4, 1), random(n, 4, 2), random(n, 3, 3)]
    const { out, stream } = stepped(shape, queries, { keys, values }, [5000, 1, 777])
    for (const row of [4095, 4096, 4097, 9999, 19_999]) {
      const own = headOracle(shape, rowsOf(queries, row, row + 1), keys, values, 1, row)
      expect(distance(out.subarray(row * 3, row * 3 + 3), own)).toBeLessThan(2e-6)
    }
    expect(stream.bytes).toBeLessThanOrEqual(4 * 7 * (4096 + 512))
    expect(decodeSnapshot(stream.toBytes()).tensors.get('keys')!.shape[0]).toBeLessThanOrEqual(4096 + 512)
  })
})

// Weights are added to scores after a cap and a slope: over tiles of 256 keys, pages of 64 and more, rows that see no key of a tile, and weights from 2^-20 to 2^20.
describe('weights beside the features of a head', () => {
  const rotary = { base: 100, pairing: 'halves' } as const
  it.each<Partial<Shape>>([
    {},
    { softcap: 1.5 },
    { slope: 0.01 },
    { slope: [0.5, 0, 0.001], softcap: 3 },
    { window: 1 },
    { window: 100 },
    { window: 300, slope: 0.02 },
    { sinkLogit: [2, -1, 0], window: 40, softcap: 2 },
    { values: 'in keys' },
    { values: 'in keys', window: 70 },
    { values: 'in keys', softcap: 1 },
    { rotary, slope: 0.1 },
  ])('%o', (head) => {
    const shape = { d: 4, dv: 3, scale: 0.9, ...head }
    const n = 700
    const [queries, keys] = [random(3 * n, 4, 1, 2), random(n, 4, 2, 2)]
    const values = head.values ? { rows: n, cols: 0, data: new Float32Array(0) } : random(n, 3, 3)
    const weights = random(n, 1, 4).data.map((x) => 2 ** (20 * x))
    using stream = exactStream(shape)
    const out = new Float32Array(3 * n * 3)
    for (const { piece, from, to } of pieces({ keys, values }, [1, 130, 64, 300])) {
      const got = stream.step({ ...piece, weights: weights.subarray(from, to) }, rowsOf(queries, 3 * from, 3 * to))
      out.set(normalise(got).data, 3 * 3 * from)
    }
    for (const row of [0, 1, 63, 64, 130, 131, 194, 195, 255, 256, 257, 430, 520, 699]) {
      const own = headOracle(shape, rowsOf(queries, 3 * row, 3 * row + 3), keys, values, 3, row, weights)
      expect(distance(out.subarray(9 * row, 9 * row + 9), own)).toBeLessThan(4e-6)
    }
  })
})

// Sums of 4096 rows a query head are joined at a time. Kills: rows of a later strip at the places of the first, lists that begin anew at another head.
describe('many rows over many keys', () => {
  it.each<{ readonly head: Partial<Shape>; readonly groups: number }>([
    { head: { softcap: 2, window: 4150 }, groups: 1 },
    { head: { slope: [0.01, 0, 0.0005], sinkLogit: [1, -2, 0] }, groups: 3 },
  ])('$head', ({ head, groups }) => {
    const n = 4200
    const shape = { d: 3, dv: 2, scale: 0.8, ...head }
    const [queries, keys, values] = [random(groups * n, 3, 1), random(n, 3, 2), random(n, 2, 3)]
    const { data } = exactAttention({ ...head, queries, keys, values, scale: shape.scale, causal: true })
    for (const row of [0, 1, 1365, 4095, 4096, 4097, 4150, 4199]) {
      const own = headOracle(shape, rowsOf(queries, groups * row, groups * (row + 1)), keys, values, groups, row)
      expect(distance(data.subarray(groups * row * 2, groups * (row + 1) * 2), own)).toBeLessThan(2e-6)
    }
  })
})

describe('far out', () => {
  it('ALiBi keeps its distances at place 10^7', () => {
    const n = 10_000_001
    const slope = [2 ** -1, 2 ** -8, 1e-6, 1e-7]
    const shape = { d: 1, dv: 1, scale: 1, slope }
    using stream = exactStream(shape)
    const [keys, values] = [random(n, 1, 1, 2), random(n, 1, 2)]
    for (let from = 0; from < n; from += 2 ** 17) {
      const to = Math.min(n, from + 2 ** 17)
      stream.push({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) })
    }
    const queries = random(4, 1, 3, 2)
    const found = normalise(stream.attend(queries)).data
    const wanted = slope.map((fall, r) => {
      let [mass, sum] = [0, 0]
      for (let j = n - 1; j >= 0; j--) {
        const share = Math.exp(queries.data[r] * keys.data[j] - fall * (n - 1 - j))
        mass += share
        sum += share * values.data[j]
      }
      return sum / mass
    })
    expect(distance(found, wanted)).toBeLessThan(1e-5)
  })

  it.each(['halves', 'interleaved'] as const)('rotary keeps its angles at place 10^7: %s', (pairing) => {
    const rotary = { base: 10_000, pairing }
    const shape = { d: 8, dv: 3, scale: 0.5, window: 64, rotary }
    const n = 10_000_064
    using stream = exactStream(shape)
    const [keys, values] = [random(64, 8, 1, 2), random(64, 3, 2)]
    const blank = { keys: random(2 ** 16, 8, 4), values: random(2 ** 16, 3, 5) }
    while (stream.tokens < n - 64) {
      const rows = Math.min(2 ** 16, n - 64 - stream.tokens)
      stream.push({ keys: rowsOf(blank.keys, 0, rows), values: rowsOf(blank.values, 0, rows) })
    }
    stream.push({ keys, values })
    const queries = random(3, 8, 3, 2)
    const found = normalise(stream.attend(queries)).data
    // Scores depend on distances alone: the same as at the text's begin.
    const wanted = headOracle({ ...shape, window: 64 }, queries, keys, values, 3, 63)
    expect(distance(found, wanted)).toBeLessThan(2e-6)
  })
})

describe('merging', () => {
  it.each([{ rotary: { base: 100, pairing: 'halves' } }, { slope: 0.05 }] as const)(
    'goes on in stream order: %o',
    (head) => {
      const shape = { d: 8, dv: 3, scale: 0.5, ...head }
      const [keys, values, queries] = [random(150, 8, 1), random(150, 3, 2), random(4, 8, 3)]
      const [one, other] = [exactStream(shape), exactStream(shape)]
      one.push({ keys: rowsOf(keys, 0, 90), values: rowsOf(values, 0, 90) })
      other.push({ keys: rowsOf(keys, 90, 150), values: rowsOf(values, 90, 150) })
      expect(one.merging).toBe('ordered')
      one.merge(other)
      expect(
        distance(normalise(one.attend(queries)).data, headOracle(shape, queries, keys, values, 4, 149)),
      ).toBeLessThan(2e-6)
    },
  )
})

describe('refusals', () => {
  const plain = { d: 4, dv: 3, scale: 0.5 }
  const [queries, keys, values] = [random(4, 4, 1), random(4, 4, 2), random(4, 3, 3)]
  it.each([
    [{ softCap: 50 }, 'there is no option "softCap", did you mean softcap?'],
    [{ isCausal: true }, 'did you mean causal?'],
    [{ slopes: [1] }, 'did you mean slope?'],
  ])('exactAttention refuses %o', (options, message) => {
    expect(() => exactAttention(any({ queries, keys, values, scale: 1, ...options }))).toThrow(message)
  })
  it.each([
    [{ softCap: 50 }, 'exactStream: there is no option "softCap", did you mean softcap?'],
    [{ windows: 5 }, 'did you mean window?'],
    [{ softcap: 0 }, 'softcap must be a finite number > 0, got 0'],
    [{ slope: -1 }, 'slope must be from 0'],
    [{ slope: [] }, 'got an empty list'],
    [{ slope: [1], sinkLogit: [1, 2] }, 'as long, got 2 and 1'],
    [{ window: 0 }, 'window must be an integer >= 1'],
    [{ values: 'in queries' }, "values must be 'in keys'"],
    [{ values: 'in keys', rotary: { base: 10, pairing: 'halves' } }, 'rotary.first must be at least dv = 3'],
    [{ rotary: { pairing: 'halves' } }, 'rotary must have base or frequencies'],
    [{ rotary: { base: 10, pairing: 'halfs' } }, "rotary.pairing must be 'halves' or 'interleaved'"],
    [{ rotary: { base: 10, pairing: 'halves', width: 3 } }, 'rotary.width must be even'],
    [{ rotary: { base: 10, pairing: 'halves', scalings: [1] } }, 'did you mean scaling?'],
    [{ rotary: { frequencies: [1], pairing: 'halves' } }, 'rotary.frequencies must be a list of width / 2 = 2'],
    [{ positions: 'text' }, 'exactStream: cannot do positions'],
  ])('exactStream refuses %o', (options, message) => {
    expect(() => exactStream(any({ ...plain, ...options }))).toThrow(message)
  })
  it('rows that are not one for each entry of a list', () => {
    const stream = exactStream({ ...plain, sinkLogit: [1, 2] })
    expect(() => stream.step({ keys, values }, queries)).toThrow('queries must have 2 rows a token')
    expect(stream.tokens).toBe(0)
  })
  it('another head in a merge, and a snapshot whose head is none', () => {
    const stream = exactStream({ ...plain, softcap: 5 })
    expect(() => stream.merge(exactStream({ ...plain, softcap: 6 }))).toThrow('head')
    expect(() => stream.merge(exactStream(plain))).toThrow('head')
    expect(() => exactStream(plain).merge(stream)).toThrow()
  })
})

// Kills: a share as e to the distance of a float64 score from its maximum in float32, which is infinite or loses all mass where these are 1024 apart.
it.each([
  ['slope', { slope: 0.25 }, 0],
  ['slope in a window', { slope: 0.25, window: 5 }, 3],
  ['softcap', { softcap: 2 ** 40 }, 0],
])('a head with %s answers scores of 10^10 as a largest score does', (_, head, first) => {
  for (let seed = 1; seed <= 20; seed++) {
    const shape = { d: 4, dv: 3, scale: 1.5, ...head }
    const [queries, keys, values] = [random(1, 4, seed), random(8, 4, seed + 50, 1e10), random(8, 3, seed + 100)]
    using stream = exactStream(shape)
    stream.push({ keys, values })
    const partial = stream.attend(queries)
    const scores = Array.from({ length: 8 }, (__, t) =>
      t < first ? -Infinity : [0, 1, 2, 3].reduce((sum, c) => sum + queries.data[c] * keys.data[4 * t + c], 0),
    )
    const best = scores.indexOf(Math.max(...scores))
    expect([partial.mass[0], Math.fround(partial.max[0])]).toEqual([1, partial.max[0]])
    expect(distance(normalise(partial).data, values.data.subarray(3 * best, 3 * best + 3))).toBeLessThan(1e-6)
  }
})
