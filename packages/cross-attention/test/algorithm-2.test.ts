// Algorithm 2 is Algorithm 1 (or, by default, the exact state) on X₁·Wq, X₂·Wk, X₂·Wv. The products are formed here in float64. Kills: Wk
// where Wv belongs, X₁ where X₂ belongs (the misprint of the paper's comment), a weight kept by reference, a value pushed where its key
// was refused, queries between context, moments of an earlier context, a snapshot without its weights or its Φ.
import { fc, test } from '@fast-check/vitest'
import { decodeSnapshot, encodeSnapshot, matrix, rowsOf, type Matrix } from '@sublinear/core'
import { normalise } from '@sublinear/exact-attention'
import { distance, random } from '@sublinear/laws'
import { taylorFeatures } from '@sublinear/poly-features'
import { sparseRecovery } from '@sublinear/sparse-recovery'
import { osnap } from '@sublinear/sparse-sketch'
import { featureStream, onePass, querySketch } from '@sublinear/streaming-attention'
import { describe, expect, it } from 'vitest'
import { crossAttention, restoreCrossAttention, type CrossAttention, type CrossAttentionOptions } from '../src'

const any = (value: unknown) => value as never
const [d, dv, wide1, wide2, n, rows] = [3, 2, 5, 4, 150, 200]
const weights = { wq: random(wide1, d, 1, 0.5), wk: random(wide2, d, 2, 0.5), wv: random(wide2, dv, 3) }
const [x1, x2] = [random(rows, wide1, 4), random(n, wide2, 5)]
const features = taylorFeatures({ d, degree: 4, scale: 0.5 })
const psi = osnap({ m: 64, nonzeros: 4, seed: 6 })
const phi = sparseRecovery({ n: rows, k: rows, epsilon: 0.5, seed: 7 }) // Φ = I: decoding is exact

/** a·b in float64, rounded once. */
const product = (a: Matrix, b: Matrix) => {
  const out = matrix(a.rows, b.cols)
  for (let r = 0; r < a.rows; r++) {
    for (let c = 0; c < b.cols; c++) {
      let sum = 0
      for (let i = 0; i < a.cols; i++) sum += a.data[r * a.cols + i] * b.data[i * b.cols + c]
      out.data[r * b.cols + c] = sum
    }
  }
  return out
}
const [queries, keys, values] = [product(x1, weights.wq), product(x2, weights.wk), product(x2, weights.wv)]
const columns = (one: Pick<CrossAttention, 'columns'>) => one.columns().flatMap(({ values: found }) => [...found])
const rowsAnswered = (one: CrossAttention) => normalise(one.attend(x1)).data

const kinds: [string, Partial<CrossAttentionOptions>][] = [
  ['the exact state', {}],
  ['the exact state and Φ', { phi }],
  ['Ψ', { psi }],
  ['Ψ and Φ', { psi, phi }],
]

describe.each(kinds)('Algorithm 2 with %s', (_, parts) => {
  const make = () => crossAttention({ ...weights, features, ...parts })
  const restore = (bytes: Uint8Array) => restoreCrossAttention({ features, ...parts }, bytes)
  const filled = () => {
    const one = make()
    one.pushContext(x2)
    return one
  }

  it('gives what the products give', () => {
    const one = filled()
    if (parts.psi) {
      const all = onePass({ features, dv, psi, ...(parts.phi && { phi }) })
      all.pushKeys(keys)
      all.pushValues(values)
      expect(distance(rowsAnswered(one), normalise(all.attend(queries)).data)).toBeLessThan(2e-5)
      if (!parts.phi) return
      all.pushQueries(queries)
      one.pushQueries(x1)
      expect(distance(columns(one), columns(all))).toBeLessThan(2e-5)
    } else {
      const stream = featureStream({ features, dv })
      stream.push({ keys, values })
      expect(distance(rowsAnswered(one), normalise(stream.attend(queries)).data)).toBeLessThan(2e-6)
      if (!parts.phi) return
      const sketched = querySketch({ features, phi })
      const moments = stream.moments()
      sketched.push(queries, moments)
      one.pushQueries(x1)
      const core = matrix(features.t, dv, moments.state)
      expect(distance(columns(one), columns({ columns: () => sketched.columns(core) }))).toBeLessThan(2e-6)
    }
    expect([one.tokens, one.queries]).toEqual([n, parts.phi ? rows : 0])
  })

  test.prop([fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 4 })], { seed: 1, numRuns: 10 })(
    'is the same bits for any cut',
    (sizes) => {
      const [one, whole] = [make(), filled()]
      for (let from = 0, i = 0; from < n; i++) {
        const to = Math.min(n, from + sizes[i % sizes.length])
        one.pushContext(rowsOf(x2, from, to))
        from = to
      }
      if (parts.phi) {
        whole.pushQueries(x1)
        one.pushQueries(rowsOf(x1, 0, sizes[0]))
        one.pushQueries(rowsOf(x1, sizes[0]))
      }
      expect(one.toBytes()).toEqual(whole.toBytes())
    },
  )

  it('is the merge of its shards: context first, then queries to copies', () => {
    const shards = [0, 50, 100].map((from) => {
      const one = make()
      one.pushContext(rowsOf(x2, from, from + 50), from)
      return one
    })
    const kept = shards[1].toBytes()
    shards[2].merge(shards[1])
    expect(shards[1].toBytes()).toEqual(kept)
    shards[2].merge(shards[0])
    const whole = filled()
    expect(distance(rowsAnswered(shards[2]), rowsAnswered(whole))).toBeLessThan(2e-5)
    expect(shards[2].tokens).toBe(n)
    if (!parts.phi) return
    whole.pushQueries(x1)
    const copies = [0, 100].map((from) => {
      const copy = restore(shards[2].toBytes())
      copy.pushQueries(rowsOf(x1, from, from + 100), from)
      return copy
    })
    copies[0].merge(copies[1])
    expect(distance(columns(copies[0]), columns(whole))).toBeLessThan(2e-5)
    expect(copies[0].queries).toBe(rows)
    const before = copies[0].toBytes()
    const early = make()
    early.pushContext(rowsOf(x2, 0, 50))
    expect(() => copies[0].merge(early)).toThrow('merge the shards first, then push queries to copies')
    expect(() => early.merge(copies[0])).toThrow('merge the shards first, then push queries to copies')
    expect(copies[0].toBytes()).toEqual(before)
  })

  it('asked in between, is as if it had not been asked', () => {
    if (!parts.phi) return
    const [asked, silent] = [make(), make()]
    for (const one of [asked, silent]) {
      const more = make()
      more.pushContext(rowsOf(x2, 100), 100)
      const ask = () => one === asked && [one.columns(), one.attend(x1)]
      one.pushContext(rowsOf(x2, 0, 50))
      ask()
      one.merge(more)
      ask()
      one.pushContext(rowsOf(x2, 50, 100), 50)
      one.pushQueries(x1)
    }
    expect(columns(asked)).toEqual(columns(silent))
    expect(asked.toBytes()).toEqual(silent.toBytes())
  })

  it('keeps the queries of other values apart, though the keys and so the denominators agree', () => {
    if (!parts.phi) return
    const wk = matrix(
      wide2,
      d,
      weights.wk.data.map((w, i) => (i < d ? 0 : w)),
    ) // blind to the first column
    const [one, other] = [0, 1].map((shift) => {
      const all = crossAttention({ ...weights, wk, features, ...parts })
      all.pushContext(
        matrix(
          n,
          wide2,
          x2.data.map((x, i) => (i % wide2 === 0 ? x + shift : x)),
        ),
      )
      all.pushQueries(x1)
      return all
    })
    expect(() => one.merge(other)).toThrow('merge the shards first, then push queries to copies')
  })

  it('resumes from a snapshot bit for bit, weights and all', () => {
    const one = make()
    one.pushContext(rowsOf(x2, 0, 70))
    const again = restore(one.toBytes())
    expect(again.bytes).toBe(one.bytes)
    for (const each of [one, again]) each.pushContext(rowsOf(x2, 70))
    expect(again.toBytes()).toEqual(one.toBytes())
    expect(rowsAnswered(again)).toEqual(rowsAnswered(one))
    if (!parts.phi) return
    one.pushQueries(rowsOf(x1, 0, 9))
    const later = restore(one.toBytes())
    for (const each of [one, later]) each.pushQueries(rowsOf(x1, 9))
    expect(later.toBytes()).toEqual(one.toBytes())
  })

  it('asks for all context before the first query, and changes nothing when refused', () => {
    const one = make()
    if (!parts.phi) {
      expect(() => one.pushQueries(x1)).toThrow(/: pushQueries .*needs? phi/)
      expect(() => one.columns()).toThrow(/columns needs? phi/)
      return
    }
    expect(() => one.pushQueries(x1)).toThrow(/: queries must come after all/)
    one.pushContext(x2)
    one.pushQueries(rowsOf(x1, 0, 3))
    const kept = one.toBytes()
    expect(() => one.pushContext(x2)).toThrow(/must come before the first query/)
    expect(() => one.pushQueries(x1, 1)).toThrow(/first \+ queries.rows must be an integer from 0 to 200/)
    expect(one.toBytes()).toEqual(kept)
  })

  it('refuses what does not fit', () => {
    const one = filled()
    const kept = one.toBytes()
    const nan = matrix(1, wide2, new Float32Array(wide2).fill(NaN))
    const calls: [() => unknown, string][] = [
      [() => one.pushContext(x1), 'crossAttention: rows of X2 must have 4 columns, got 5'],
      [() => one.attend(x2), 'crossAttention: rows of X1 must have 5 columns, got 4'],
      [() => one.pushContext(nan), 'crossAttention: rows of X2 must be finite, got NaN at row 0, column 0'],
      [
        () => one.pushContext(matrix(1, 4, new Float32Array(4).fill(2 ** 60))),
        'crossAttention: keys must be at most 2^50 in magnitude',
      ],
      [() => one.pushContext(x2, -1), 'first must be an integer >= 0, got -1'],
      [() => one.merge(any({})), 'crossAttention: cannot merge, the other is no cross-attention'],
      [
        () => one.merge(crossAttention({ ...weights, wv: random(wide2, dv, 9), features, ...parts })),
        'crossAttention: cannot merge, wv differs',
      ],
      [
        () => one.merge(crossAttention({ ...weights, features: taylorFeatures({ d, degree: 2, scale: 1 }), ...parts })),
        'crossAttention: features differs',
      ],
    ]
    for (const [call, message] of calls) expect(call).toThrow(message)
    expect(one.toBytes()).toEqual(kept)
    for (const [name, other] of kinds) {
      if (other === parts || (other.psi === parts.psi && other.phi === parts.phi)) continue
      const partner = crossAttention({ ...weights, features, ...other })
      expect(() => one.merge(partner), name).toThrow(RangeError)
      expect(() => restore(partner.toBytes()), name).toThrow(
        /^restoreCrossAttention: parts differs|^restoreOnePass: phi/,
      )
    }
  })

  it('refuses another Φ or Ψ before there is anything to add', () => {
    const one = make()
    const other = { ...parts, ...(parts.phi && { phi: sparseRecovery({ n: rows, k: rows, epsilon: 0.5, seed: 8 }) }) }
    if (parts.psi && !parts.phi) other.psi = osnap({ m: 64, nonzeros: 4, seed: 9 })
    if (!parts.psi && !parts.phi) return
    expect(() => one.merge(crossAttention({ ...weights, features, ...other }))).toThrow(/p[hs]i.seed differs/)
  })

  it('counts its weights, and keeps copies of them', () => {
    const mine = matrix(wide2, dv, weights.wv.data.slice())
    const one = crossAttention({ ...weights, wv: mine, features, ...parts })
    mine.data.fill(0)
    one.pushContext(x2)
    expect(distance(rowsAnswered(one), rowsAnswered(filled()))).toBe(0)
    const state = parts.psi
      ? onePass({ features, dv, psi, ...(parts.phi && { phi }) }).bytes
      : featureStream({ features, dv }).bytes + (parts.phi ? querySketch({ features, phi }).bytes : 0)
    expect(one.bytes).toBe(state + 4 * (wide1 * d + wide2 * d + wide2 * dv))
  })
})

const changed = (change: object) => () => crossAttention({ ...weights, features, ...change })

it('weights must fit the features and each other', () => {
  expect(changed({ wq: random(5, 2, 1) })).toThrow('crossAttention: wq must have 3 columns, got 2')
  expect(changed({ wk: random(4, 4, 1) })).toThrow('crossAttention: wk must have 3 columns, got 4')
  expect(changed({ wv: random(5, 2, 1) })).toThrow('crossAttention: wv must have 4 rows, got 5')
  expect(changed({ wv: random(4, 0, 1) })).toThrow('crossAttention: wv.cols must be an integer >= 1, got 0')
  expect(changed({ wq: undefined })).toThrow(TypeError)
})

const f32 = (rows: number, cols: number, x = 0) => ({
  dtype: 'F32',
  shape: [rows, cols],
  data: new Float32Array(rows * cols).fill(x),
})

it('a snapshot with weights that do not fit is refused', () => {
  const { parameters, tensors } = decodeSnapshot(crossAttention({ ...weights, features }).toBytes())
  const made = (change: object) =>
    encodeSnapshot({
      kind: 'cross-attention',
      version: '1',
      parameters,
      tensors: any({ ...Object.fromEntries(tensors), ...change }),
    })
  for (const change of [{ wq: f32(5, 2) }, { wk: f32(4, 3, NaN) }, { wv: f32(3, 2) }, { context: f32(1, 1) }]) {
    expect(() => restoreCrossAttention({ features }, made(change))).toThrow(RangeError)
    expect(() => restoreCrossAttention({ features }, made(change))).toThrow(/^restoreCrossAttention: /)
  }
})
