// A layer against one stream a head. Kills: groups of the wrong kv-head, columns of a neighbour, rows of a partial head by head instead of
// row by row, weights for the first head only.
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { distance, random } from '@sublinear/laws'
import {
  attend,
  exactStream,
  layer,
  matrix,
  normalise,
  openStream,
  restoreLayer,
  type KvBlock,
  type Layer,
  type Matrix,
} from '../src'
import { d, dv, makers } from './streams-by-kind'

const head = (m: Matrix, h: number, width: number): Matrix =>
  matrix(
    m.rows,
    width,
    Float32Array.from(
      { length: m.rows * width },
      (_, i) => m.data[Math.floor(i / width) * m.cols + h * width + (i % width)],
    ),
  )

const part = ({ keys, values, weights }: KvBlock, h: number): KvBlock => ({
  keys: head(keys, h, d),
  values: head(values, h, dv),
  ...(weights && { weights }),
})

const uneven = (h: number) => exactStream({ d, dv: dv + h, scale: 0.5 })

describe('a layer', () => {
  const counts = fc.constantFrom([1, 1], [2, 2], [4, 1], [6, 2], [6, 3])
  test.prop(
    [
      counts,
      fc.constantFrom('exact', 'feature', 'tiers'),
      fc.nat(80),
      fc.oneof(fc.constant(1), fc.nat(80)),
      fc.boolean(),
      fc.nat(),
    ],
    {
      seed: 1,
      numRuns: 40,
    },
  )('is head by head what the streams answer alone', ([queryHeads, kvHeads], kind, before, n, weighted, seed) => {
    const groups = queryHeads / kvHeads
    const all = layer({ queryHeads: queryHeads, kvHeads: kvHeads, make: makers[kind] })
    const alone = Array.from({ length: kvHeads }, makers[kind])
    const block = (rows: number, salt: number): KvBlock => ({
      keys: random(rows, kvHeads * d, seed + salt),
      values: random(rows, kvHeads * dv, seed + salt + 1),
      ...(weighted && { weights: random(rows, 1, seed + salt + 2).data.map((x) => 1.5 + x) }),
    })
    const [past, now] = [block(before, 0), block(n, 10)]
    const queries = random(n, queryHeads * d, seed + 20)
    all.push(past)
    const stepped = all.step(now, queries)
    const asked = all.attend(queries)
    expect([stepped.sum.rows, stepped.sum.cols]).toEqual([n * queryHeads, dv])
    for (const [h, stream] of alone.entries()) {
      stream.push(part(past, h))
      const own = matrix(n * groups, d, head(queries, h, groups * d).data)
      for (const [got, wanted] of [
        [stepped, stream.step(part(now, h), own)],
        [asked, stream.attend(own)],
      ] as const) {
        for (let r = 0; r < n; r++) {
          for (let g = 0; g < groups; g++) {
            const [at, from] = [r * queryHeads + h * groups + g, r * groups + g]
            expect([got.max[at], got.mass[at]]).toEqual([wanted.max[from], wanted.mass[from]])
            expect(got.sum.data.slice(at * dv, (at + 1) * dv)).toEqual(
              wanted.sum.data.slice(from * dv, (from + 1) * dv),
            )
          }
        }
      }
    }
    expect(all.tokens).toBe(before + n)
    expect(all.bytes).toBe(alone.reduce((sum, { bytes }) => sum + bytes, 0))
    const copy = restoreLayer(all.toBytes(), openStream)
    expect(copy.toBytes()).toEqual(all.toBytes())
    expect(copy.attend(queries)).toEqual(all.attend(queries))
  })

  it('runs in attend: a row of heads in, a row of heads out', async () => {
    const all = layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] })
    const input = { queries: random(9, 12, 1), keys: random(9, 6, 2), values: random(9, 4, 3) }
    const parts: Matrix[] = []
    for await (const part of attend({ ...input, stream: all, causal: true })) parts.push(part)
    const whole = layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] }).step(input, input.queries)
    expect(parts.map(({ rows, cols }) => [rows, cols])).toEqual([[9, 8]])
    expect(distance(parts[0].data, normalise(whole).data)).toBeLessThan(1e-6)
  })

  it('refuses what does not fit, and stays as it was', () => {
    expect(() => layer({ queryHeads: 3, kvHeads: 2, make: makers['exact'] })).toThrow(
      'layer: queryHeads must be a multiple of kvHeads = 2, got 3',
    )
    expect(() => layer({ queryHeads: 0, kvHeads: 1, make: makers['exact'] })).toThrow(
      'layer: queryHeads must be an integer >= 1, got 0',
    )
    expect(() => layer({ queryHeads: 2, kvHeads: 2, make: uneven })).toThrow(
      'layer: stream 1 differs from stream 0 in d, dv, scale or tokens',
    )
    const all = layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] })
    all.push({ keys: random(5, 6, 1), values: random(5, 4, 2) })
    const kept = all.toBytes()
    const nan = random(2, 6, 1)
    nan.data[7] = NaN
    const block = { keys: random(2, 6, 1), values: random(2, 4, 2) }
    const calls: [(h: Layer) => void, string][] = [
      [(h) => h.push({ ...block, keys: random(2, 3, 1) }), 'layer: keys must have 6 columns, got 3'],
      [(h) => h.push({ ...block, keys: nan }), 'layer: keys must be finite, got NaN at row 1, column 1'],
      [
        (h) => h.push({ ...block, weights: Float32Array.of(1, 0) }),
        'layer: weights must be from 2^-100 to 2^53, got 0 at row 1',
      ],
      [(h) => h.attend(random(2, 6, 1)), 'layer: queries must have 12 columns, got 6'],
      [(h) => h.step(block, random(3, 12, 1)), 'layer: queries must have 2 rows, got 3'],
    ]
    for (const [call, message] of calls) {
      expect(() => call(all)).toThrow(message)
      expect(all.toBytes()).toEqual(kept)
    }
  })
})
