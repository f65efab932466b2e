import { checkKeys, checkValues, type Matrix } from '@sublinear/core'
import type { Rows } from '@sublinear/io/node'
import { kernels } from '@sublinear/kernels'
import type { Findings, Spread } from './findings'
import { degreeWithin, expected, featuresOf, verdicts } from './inspect-verdicts'
import { sampleRows } from './row-sample'

/**
 * Number of query rows that are looked at, a quarter of them those with the largest norms. Averages are over those in the last three quarters, where
 * contexts are long.
 */
const SAMPLE = 512
const BLOCK = 1024

interface Inspect {
  readonly queries: Rows
  readonly keys: Rows
  readonly values: Rows
  readonly scale?: number
  readonly signal: AbortSignal
  /** Called with the number of key rows read so far, in two passes. */
  readonly progress: (done: number) => void
}

/** Measures one causal head from its files, in two passes over the keys and bounded memory. */
export async function inspect({ queries, keys, values, signal, progress, ...options }: Inspect): Promise<Findings> {
  const { rows: n, cols: d } = keys
  if (queries.cols !== d) throw new RangeError(`queries have ${queries.cols} columns, keys ${d}`)
  if (values.rows !== n) throw new RangeError(`keys have ${n} rows, values ${values.rows}`)
  if (queries.rows !== n)
    throw new RangeError(
      `inspect needs a causal head, with as many queries as keys: got ${queries.rows} queries, ${n} keys`,
    )
  if (n === 0) throw new RangeError('inspect: there are no rows')
  const scale = options.scale ?? 1 / Math.sqrt(d)

  const { places: sample, weights, largest, unseen } = await sampleRows(queries, SAMPLE, { signal })
  const count = sample.length
  const asked = new Float32Array(count * d)
  const queryNorm = normMeter()
  let next = 0
  for await (const [block, first] of placed(queries)) {
    checkKeys('inspect', 'queries', block)
    queryNorm.add(block)
    for (; next < count && sample[next] < first + block.rows; next++) {
      asked.set(block.data.subarray((sample[next] - first) * d, (sample[next] - first + 1) * d), next * d)
    }
  }
  const keyNorm = normMeter()
  const mean = new Float64Array(d)
  for await (const [block, first] of placed(keys)) {
    signal.throwIfAborted()
    checkKeys('inspect', 'keys', block)
    keyNorm.add(block)
    for (let i = 0; i < block.data.length; i++) mean[i % d] += block.data[i] / n
    progress(first)
  }

  // One softmax for each sampled row: maximum, Σe^s, Σ s·e^s (for the entropy) and Σe^s·v, over blocks of keys.
  const shifts = Float64Array.from({ length: count }, (_, i) => {
    let shift = 0
    for (let c = 0; c < d; c++) shift += asked[i * d + c] * mean[c]
    return shift * scale
  })
  const top = new Float64Array(count).fill(-Infinity)
  const mass = new Float64Array(count)
  const moment = new Float64Array(count)
  const outputs = new Float64Array(count * values.cols)
  const scores = rangeMeter()
  const centredScores = rangeMeter()
  const centredKeyNorm = normMeter()
  const valueNorm = normMeter()
  const valueBlocks = values.blocks(BLOCK)[Symbol.asyncIterator]()
  for await (const [block, first] of placed(keys)) {
    signal.throwIfAborted()
    const valueBlock = (await valueBlocks.next()).value as Matrix
    checkValues('inspect', 'values', valueBlock)
    valueNorm.add(valueBlock)
    centredKeyNorm.add({ ...block, data: block.data.map((x, i) => x - mean[i % d]) })
    const from = sample.findIndex((row) => row >= first)
    const products = new Float32Array((count - from) * block.rows)
    kernels().product('nt', products, asked.subarray(from * d), block.data, count - from, d, block.rows)
    for (let i = from; i < count; i++) {
      const visible = Math.min(block.rows, sample[i] - first + 1)
      for (let j = 0; j < visible; j++) {
        const s = products[(i - from) * block.rows + j] * scale
        scores.add(s)
        centredScores.add(s - shifts[i])
        if (s > top[i]) {
          const shrink = Math.exp(top[i] - s)
          moment[i] = (moment[i] + (mass[i] > 0 ? mass[i] * (top[i] - s) : 0)) * shrink
          mass[i] *= shrink
          for (let c = 0; c < values.cols; c++) outputs[i * values.cols + c] *= shrink
          top[i] = s
        }
        const p = Math.exp(s - top[i])
        mass[i] += p
        moment[i] += p * (s - top[i])
        if (p < 1e-12) continue
        for (let c = 0; c < values.cols; c++) outputs[i * values.cols + c] += p * valueBlock.data[j * values.cols + c]
      }
    }
    progress(n + first)
  }
  const start = Math.max(
    0,
    sample.findIndex((row) => row >= Math.floor(n / 4)),
  )
  const stands = weights.subarray(start).reduce((sum, weight) => sum + weight, 0)
  let effectiveKeys = 0
  for (let i = 0; i < count; i++) {
    if (i >= start) effectiveKeys += (weights[i] / stands) * mass[i] * Math.exp(-moment[i] / mass[i])
    for (let c = 0; c < values.cols; c++) outputs[i * values.cols + c] /= mass[i]
  }
  const late = { outputs: outputs.subarray(start * values.cols), weights: weights.subarray(start), cols: values.cols }
  const tails = (share: number) => columnTail(late, stands / share)
  const [low, high] = centredScores.read()
  const radius = Math.max(-low, high)
  const unseenRadius = scale * unseen * centredKeyNorm.read().largest
  const degree = degreeWithin(radius)
  const findings = {
    tokens: n,
    d,
    dv: values.cols,
    scale,
    rowsLookedAt: count,
    largestLookedAt: largest,
    unseenRadius,
    queryNorm: queryNorm.read(),
    keyNorm: keyNorm.read(),
    centredKeyNorm: centredKeyNorm.read(),
    valueNorm: valueNorm.read(),
    scores: scores.read(),
    centredScores: centredScores.read(),
    effectiveKeys,
    columnTails: { '1/64': tails(64), '1/16': tails(16), '1/4': tails(4) },
    degree,
    features: degree === null ? null : featuresOf(d, degree),
    ...expected({ effectiveKeys, centredScores: centredScores.read() }),
  }
  return { ...findings, verdicts: verdicts(findings) }
}

async function* placed(file: Rows): AsyncGenerator<[Matrix, number]> {
  let first = 0
  for await (const block of file.blocks(BLOCK)) {
    yield [block, first]
    first += block.rows
  }
}

function normMeter() {
  let total = 0
  let rows = 0
  let largest = 0
  return {
    add({ rows: count, cols, data }: Matrix) {
      for (let r = 0; r < count; r++) {
        let square = 0
        for (let c = 0; c < cols; c++) square += data[r * cols + c] ** 2
        total += square
        largest = Math.max(largest, square)
      }
      rows += count
    },
    read: (): Spread => ({ rms: Math.sqrt(total / Math.max(1, rows)), largest: Math.sqrt(largest) }),
  }
}

function rangeMeter() {
  let low = Infinity
  let high = -Infinity
  return {
    add(x: number) {
      if (x < low) low = x
      if (x > high) high = x
    },
    read: (): [number, number] => [low, high],
  }
}

/** The mean over columns of the share of the norm outside the `k` rows of the most energy; rows stand for as many as their weights say. */
function columnTail(
  { outputs, weights, cols }: { readonly outputs: Float64Array; readonly weights: Float64Array; readonly cols: number },
  k: number,
): number {
  let total = 0
  for (let c = 0; c < cols; c++) {
    const rows = Array.from(weights, (weight, r) => ({ weight, energy: outputs[r * cols + c] ** 2 }))
    let [all, kept, left] = [0, 0, k]
    for (const { weight, energy } of rows.toSorted((a, b) => b.energy - a.energy)) {
      all += weight * energy
      const some = Math.min(weight, left)
      kept += some * energy
      left -= some
    }
    total += all === 0 ? 0 : Math.sqrt(Math.max(0, all - kept) / all) / cols
  }
  return total
}
