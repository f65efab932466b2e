import { matrix, philox, rowsOf, type FeatureMap, type Matrix } from '@sublinear/core'
import { combine, exactAttention, exactStream, normalise } from '@sublinear/exact-attention'
import { anisotropicFeatures, randomFeatures, taylorFeatures, tensorSketchFeatures } from '@sublinear/poly-features'
import { featureStream } from '@sublinear/streaming-attention'
import type { Tokens } from './cells.ts'

/** Keys farthest from the mean that are kept exactly. */
export const FAR = 32

export interface Answer {
  readonly output: Matrix
  /** Query rows that a stream answered by a lower degree. */
  readonly fallbacks: number
}

/** The ways of answering that the table compares: name → answer, with the numbers of float32 that each holds. */
export const methods: Readonly<Record<string, (tokens: Tokens, seed: number) => Answer>> = {
  't = 256, 32 far keys': (tokens) => split(tokens, FAR, (near) => anisotropic(near, tokens, 256)),
  'the same, pilot of 128 keys and 32 queries': (tokens) =>
    split(tokens, FAR, (near) => anisotropic(near, tokens, 256, 128, 32)),
  't = 1024, 32 far keys': (tokens) => split(tokens, FAR, (near) => anisotropic(near, tokens, 1024)),
  't = 256, no far keys': (tokens) => split(tokens, 0, (near) => anisotropic(near, tokens, 256)),
  'Taylor degree 1 (t = d + 1), 32 far keys': (tokens) =>
    split(tokens, FAR, (near) =>
      taylorFeatures({ d: near.cols, degree: 1, scale: tokens.scale, centre: meanOf(near) }),
    ),
  'orthogonal random features, t = 256, 32 far keys': (tokens, seed) =>
    split(centred(tokens), FAR, ({ cols: d }) =>
      randomFeatures({ d, t: 256, scale: tokens.scale, seed, orthogonal: true }),
    ),
  'tensor sketch, degree 2, t = 256, 32 far keys': (tokens, seed) =>
    split(centred(tokens), FAR, ({ cols: d }) =>
      tensorSketchFeatures({ d, degree: 2, t: 256, scale: tokens.scale, seed }),
    ),
  'tensor sketch, degree 4, t = 256, 32 far keys': (tokens, seed) =>
    split(centred(tokens), FAR, ({ cols: d }) =>
      tensorSketchFeatures({ d, degree: 4, t: 256, scale: tokens.scale, seed }),
    ),
  '32 far keys and the mean value': (tokens) =>
    split(tokens, FAR, (near) =>
      taylorFeatures({ d: near.cols, degree: 0, scale: tokens.scale, centre: meanOf(near) }),
    ),
  'a uniform sample of as many floats as t = 256': sample,
}

function anisotropic(
  near: Matrix,
  { pilotQueries, scale }: Tokens,
  t: number,
  keyRows = Infinity,
  queryRows = Infinity,
): FeatureMap {
  return anisotropicFeatures({
    pilotKeys: rowsOf(near, 0, Math.min(keyRows, near.rows)),
    pilotQueries: rowsOf(pilotQueries, 0, Math.min(queryRows, pilotQueries.rows)),
    t,
    scale,
  })
}

/** The `count` keys farthest from the mean answered exactly, the others by a feature stream; both combined. */
function split(tokens: Tokens, count: number, map: (near: Matrix) => FeatureMap): Answer {
  const { keys, values, queries, scale } = tokens
  const [d, dv] = [keys.cols, values.cols]
  const centre = meanOf(keys)
  const distance = Array.from({ length: keys.rows }, (_, r) => {
    let sum = 0
    for (let c = 0; c < d; c++) sum += (keys.data[r * d + c] - centre[c]) ** 2
    return sum
  })
  const order = distance.map((_, r) => r).toSorted((a, b) => distance[b] - distance[a] || a - b)
  const [far, near] = [order.slice(0, count), order.slice(count).toSorted((a, b) => a - b)]
  const nearKeys = pick(keys, near)
  const features = featureStream({ features: map(nearKeys), dv })
  features.push({ keys: nearKeys, values: pick(values, near) })
  const exact = exactStream({ d, dv, scale })
  exact.push({ keys: pick(keys, far), values: pick(values, far) })
  const output = normalise(combine(features.attend(queries), exact.attend(queries)))
  return { output, fallbacks: features.counters.fallbacks }
}

/** The same answers from keys about their mean: every query's scores move by one number. */
function centred(tokens: Tokens): Tokens {
  const { rows, cols, data } = tokens.keys
  const mean = meanOf(tokens.keys)
  return {
    ...tokens,
    keys: matrix(
      rows,
      cols,
      data.map((x, i) => x - mean[i % cols]),
    ),
  }
}

function sample({ keys, values, queries, scale }: Tokens, seed: number): Answer {
  const width = keys.cols + values.cols
  const count = Math.round((256 * (values.cols + 1) + FAR * width) / width)
  const words = new Uint32Array(4)
  const rank = Array.from({ length: keys.rows }, (_, r) => {
    philox(words, seed, 1, r, 0, 0, 0)
    return words[0]
  })
  const chosen = rank
    .map((_, r) => r)
    .toSorted((a, b) => rank[a] - rank[b])
    .slice(0, count)
  return {
    output: exactAttention({ queries, keys: pick(keys, chosen), values: pick(values, chosen), scale }),
    fallbacks: 0,
  }
}

function pick({ cols, data }: Matrix, rows: readonly number[]): Matrix {
  const out = matrix(rows.length, cols)
  for (const [to, from] of rows.entries()) out.data.set(data.subarray(from * cols, (from + 1) * cols), to * cols)
  return out
}

function meanOf({ rows, cols, data }: Matrix): Float32Array {
  const total = new Float64Array(cols)
  for (let i = 0; i < data.length; i++) total[i % cols] += data[i] / rows
  return Float32Array.from(total)
}

/** ‖ô − o‖ over ‖o − v̄‖: relative to how far the outputs are from the mean value. */
export function errorOf(output: Matrix, { keys, values, queries, scale }: Tokens): number {
  const exact = exactAttention({ queries, keys, values, scale })
  const mean = meanOf(values)
  let [off, all] = [0, 0]
  for (let i = 0; i < exact.data.length; i++) {
    off += (output.data[i] - exact.data[i]) ** 2
    all += (exact.data[i] - mean[i % values.cols]) ** 2
  }
  return Math.sqrt(off / all)
}
