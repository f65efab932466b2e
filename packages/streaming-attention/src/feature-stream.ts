import {
  checkBlock,
  checkInteger,
  checkKeys,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  isFinite,
  matrix,
  queryGroups,
  requireSame,
  rowsOf,
  type AttentionStream,
  type FeatureMap,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'
import { kernels, type Resident } from '@sublinear/kernels'

const KIND = 'feature'
const VERSION = '1'
/** Tokens held exactly before they are folded into the state together. */
const BLOCK = 64
/** Below this share of the mass that all scores 0 would give, a mass is rounding or the negative side of the polynomial. */
const LEAST_MASS = 2 ** -10
/** The largest float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127

export interface FeatureStreamOptions {
  readonly features: FeatureMap
  /** Value width. */
  readonly dv: number
}

export interface FeatureStream extends AttentionStream, Disposable {
  readonly features: FeatureMap
  /** Query rows answered so far, since this object was made; no part of a snapshot. */
  readonly counters: {
    readonly rows: number
    /** Of these: mass negative or vanishing, answered by a lower even degree of the same state. */
    readonly fallbacks: number
  }
}

/** S and z over the folded tokens, and the tokens that are still held. */
interface Contents {
  readonly state: Float32Array // t × dv
  readonly totals: Float64Array // t
  /** Sum of the folded tokens' weights. */
  readonly weight: number
  readonly tokens: number
  readonly keys: Float32Array // count × d
  readonly values: Float32Array // count × dv
  readonly weights: Float32Array // count
}

const contentsOf = new WeakMap<AttentionStream, () => Contents>()

/**
 * Softmax attention from polynomial features in constant memory: S = U₂ᵀV, z = U₂ᵀ1, answers φ(q)ᵀS / φ(q)ᵀz.
 * Source: Lemma 3.1 and the product U₁(U₂ᵀV) of Definition 1.1's solution (one-pass paper). Deviation: keys and values arrive
 * together, so the state is exact and no Ψ is needed; the last 1 to 64 tokens are answered exactly.
 *
 * @throws TypeError, RangeError when dv is no integer ≥ 1
 * Guarantee: pointwise relative error ε of the features moves an answer by at most 2ε/(1 − ε)·max|v|. Mass is never negative:
 *   a row whose polynomial mass is negative or vanishing is answered by a lower even degree of the same state, and counted.
 * Cost: 4·t·dv + 8·t bytes and a buffer of 64 tokens; 4·t·dv operations a token with its query.
 */
export function featureStream({ features, dv }: FeatureStreamOptions): FeatureStream {
  checkInteger('featureStream', 'dv', dv, 1)
  return live(features, dv)
}

/**
 * A feature stream from its snapshot, resuming bit for bit, with the same feature map.
 *
 * @throws RangeError when the bytes are damaged or belong to another feature map
 */
export function restoreFeatureStream(features: FeatureMap, bytes: Uint8Array): FeatureStream {
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  requireSame('restoreFeatureStream', { features: features.spec }, { features: parameters['features'] ?? '' })
  const dv = Number(parameters['dv'])
  checkInteger('restoreFeatureStream', 'dv', dv, 1)
  const [state, totals, keys, values, weights] = ['state', 'totals', 'keys', 'values', 'weights'].map(
    (name) => tensors.get(name)?.data,
  )
  const weight = Number(parameters['weight'])
  const tokens = Number(parameters['tokens'])
  const fits =
    state instanceof Float32Array &&
    totals instanceof Float64Array &&
    keys instanceof Float32Array &&
    values instanceof Float32Array &&
    weights instanceof Float32Array &&
    state.length === features.t * dv &&
    totals.length === features.t &&
    weights.length <= BLOCK &&
    keys.length === weights.length * features.d &&
    values.length === weights.length * dv &&
    weight >= 0 &&
    weight < Infinity &&
    Number.isInteger(tokens) &&
    tokens >= weights.length
  if (!fits) throw new RangeError('feature: the tensors of the snapshot do not fit its parameters')
  checkBlock(KIND, heldBlock({ keys, values, weights }, features.d, dv), features.d, dv)
  const stream = live(features, dv, { state, totals, weight, tokens, keys, values, weights })
  return stream
}

function live(features: FeatureMap, dv: number, contents?: Contents): FeatureStream {
  const { d, t, scale } = features
  const state = kernels().floats(t * dv)
  const totals = kernels().doubles(t)
  const keys = kernels().floats(BLOCK * d)
  const values = kernels().floats(BLOCK * dv)
  const weights = new Float32Array(BLOCK)
  let count = 0 // tokens held in the three buffers
  let weight = 0 // of the folded tokens
  let tokens = 0
  let weighted = false // any held weight ≠ 1
  const counters = { rows: 0, fallbacks: 0 }

  const fold = () => {
    const phi = scratch(t * count)
    mapKeys(features, keys, count, phi)
    const scaled = weighted ? scaleRows(values.read(), weights, count, dv) : values
    kernels().product('nn', state, phi, scaled, t, count, dv, true)
    kernels().rowSums(totals, phi, t, count, weighted ? weights : undefined)
    for (let i = 0; i < count; i++) weight += weights[i]!
    count = 0
    weighted = false
  }

  /** Takes as many rows from `from` on as fit before the next fold, folding first when the buffer is full. */
  const take = (block: KvBlock, from: number): number => {
    if (count === BLOCK) fold()
    const rows = Math.min(BLOCK - count, block.keys.rows - from)
    keys.write(block.keys.data.subarray(from * d, (from + rows) * d), count * d)
    values.write(block.values.data.subarray(from * dv, (from + rows) * dv), count * dv)
    for (let i = 0; i < rows; i++) {
      const w = block.weights ? block.weights[from + i]! : 1
      weights[count + i] = w
      if (w !== 1) weighted = true
    }
    count += rows
    tokens += rows
    return rows
  }

  /** Answers a few rows into `out` from row `at` on; with `visible`, row i sees the held tokens up to visible + ⌊i / groups⌋. */
  const answer = (queries: Matrix, out: PartialSoftmax, at: number, visible?: number, groups = 1) => {
    const { rows } = queries
    const max = out.max.subarray(at, at + rows)
    const mass = out.mass.subarray(at, at + rows)
    const sum = out.sum.data.subarray(at * dv, (at + rows) * dv)
    if (weight > 0) {
      const phi = scratch(t * rows)
      mapQueries(features, queries, phi, max)
      kernels().dotColumns(mass, phi, totals, t, rows)
      kernels().product('tn', sum, phi, state, rows, t, dv)
      const finite = isFinite(sum)
      for (let r = 0; r < rows; r++) {
        max[r] = Math.min(LARGEST, Math.max(-LARGEST, max[r]!)) // a shift beyond float32
        if (isSound(mass[r]!) && (finite || isFinite(sum.subarray(r * dv, (r + 1) * dv)))) continue
        mass[r] = fallBack(column(phi, r, t, rows), sum.subarray(r * dv, (r + 1) * dv))
        if (mass[r] === 0) max[r] = -Infinity
      }
    }
    kernels().attend({
      queries: queries.data,
      keys,
      values,
      ...(weighted && { bias: weights.map(Math.log) }),
      rows,
      keyCount: count,
      d,
      dv,
      scale,
      ...(visible !== undefined && { causal: { visible, groups } }),
      max,
      mass,
      sum,
    })
    counters.rows += rows
  }

  const isSound = (mass: number) => mass > LEAST_MASS * weight && mass < Infinity

  /** Answers one row from the largest lower even degree that is sound: overwrites the row, returns its mass. */
  const fallBack = (phi: Float32Array, row: Float32Array): number => {
    counters.fallbacks++
    const z = totals.read()
    for (const prefix of features.fallbacks) {
      let mass = 0
      for (let f = 0; f < prefix; f++) mass += phi[f]! * z[f]!
      kernels().product('nn', row, phi.subarray(0, prefix), state.range(0, prefix * dv), 1, prefix, dv)
      if (isSound(mass) && isFinite(row)) return mass
    }
    row.fill(0) // beyond float32 even for averages: the state has no say
    return 0
  }

  /** Adds another stream's folded tokens to the state. */
  const add = (theirs: Contents) => {
    const z = totals.read()
    for (let f = 0; f < t; f++) z[f]! += theirs.totals[f]!
    totals.write(z)
    kernels().addScaled(state, theirs.state, 1, t * dv)
    weight += theirs.weight
  }

  /** Goes on with another stream's counts and the tokens that it holds. */
  const takeHeld = (theirs: Contents) => {
    const held = theirs.weights.length
    tokens += theirs.tokens - held
    const block = heldBlock(theirs, d, dv)
    for (let from = 0; from < held;) from += take(block, from)
  }

  const contentsNow = (): Contents => ({
    state: state.read(),
    totals: totals.read(),
    weight,
    tokens,
    keys: keys.read().subarray(0, count * d),
    values: values.read().subarray(0, count * dv),
    weights: weights.slice(0, count),
  })

  const self: FeatureStream = {
    d,
    dv,
    scale,
    features,
    counters,
    merging: 'linear',
    get tokens() {
      return tokens
    },
    get bytes() {
      return 4 * t * dv + 8 * t + 4 * BLOCK * (d + dv + 1) + features.spec.length
    },
    push(block) {
      checkBlock(KIND, block, d, dv)
      for (let from = 0; from < block.keys.rows;) from += take(block, from)
    },
    attend(queries) {
      checkKeys(KIND, 'queries', queries, d)
      const out = emptyPartial(queries.rows, dv)
      for (let from = 0; from < queries.rows; from += BLOCK) {
        answer(rowsOf(queries, from, Math.min(queries.rows, from + BLOCK)), out, from)
      }
      return out
    },
    step(block, queries) {
      checkBlock(KIND, block, d, dv)
      checkKeys(KIND, 'queries', queries, d)
      const groups = queryGroups(KIND, block, queries)
      const out = emptyPartial(queries.rows, dv)
      for (let from = 0; from < block.keys.rows;) {
        const rows = take(block, from)
        const own = rowsOf(queries, from * groups, (from + rows) * groups)
        answer(own, out, from * groups, count - rows + 1, groups)
        from += rows
      }
      return out
    },
    merge(later) {
      const theirs = contentsOf.get(later)
      if (!theirs) throw new TypeError('feature: cannot merge, the other stream is not a feature stream')
      requireSame(KIND, identity(self), identity(later as FeatureStream))
      const contents = theirs()
      add(contents)
      takeHeld(contents)
    },
    toBytes() {
      const now = contentsNow()
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters: { ...identity(self), weight: String(now.weight), tokens: String(now.tokens) },
        tensors: {
          totals: { dtype: 'F64', shape: [t], data: now.totals },
          state: { dtype: 'F32', shape: [t, dv], data: now.state },
          keys: { dtype: 'F32', shape: [count, d], data: now.keys },
          values: { dtype: 'F32', shape: [count, dv], data: now.values },
          weights: { dtype: 'F32', shape: [count], data: now.weights },
        },
      })
    },
    [Symbol.dispose]() {
      for (const array of [state, totals, keys, values]) array[Symbol.dispose]()
    },
  }
  if (contents) {
    state.write(contents.state) // not added to zeros: −0 stays −0
    totals.write(contents.totals)
    weight = contents.weight
    takeHeld(contents)
  }
  contentsOf.set(self, contentsNow)
  return self
}

function identity({ features, dv }: FeatureStream): Record<string, string> {
  return { features: features.spec, dv: String(dv) }
}

function heldBlock(held: Pick<Contents, 'keys' | 'values' | 'weights'>, d: number, dv: number): KvBlock {
  const rows = held.weights.length
  return {
    keys: { rows, cols: d, data: held.keys },
    values: { rows, cols: dv, data: held.values },
    weights: held.weights,
  }
}

let spare: Resident<Float32Array> | undefined

/** Feature rows of one block: scratch of the process, shared by all streams, valid until the next call. */
function scratch(length: number): Resident<Float32Array> {
  if (spare && spare.length >= length) return spare
  spare?.[Symbol.dispose]()
  return (spare = kernels().floats(length))
}

/** Features of `rows` keys, t × rows. */
function mapKeys(features: FeatureMap, keys: Resident<Float32Array>, rows: number, out: Resident<Float32Array>): void {
  if (features.resident) return features.resident.mapKeys(keys, rows, out)
  const { d, t } = features
  const phi = matrix(rows, t)
  features.mapKeys({ rows, cols: d, data: keys.read().subarray(0, rows * d) }, phi)
  out.write(transposed(phi))
}

function mapQueries(features: FeatureMap, queries: Matrix, out: Resident<Float32Array>, logScale: Float32Array): void {
  const { rows, data } = queries
  if (features.resident) return features.resident.mapQueries(data, rows, out, logScale)
  const phi = matrix(rows, features.t)
  features.mapQueries(queries, phi, logScale)
  out.write(transposed(phi))
}

/** Column c of the first rows × cols entries. */
function column(a: Resident<Float32Array>, c: number, rows: number, cols: number): Float32Array {
  const all = a.range(0, rows * cols).read()
  return Float32Array.from({ length: rows }, (_, r) => all[r * cols + c]!)
}

function transposed({ rows, cols, data }: Matrix): Float32Array {
  const out = new Float32Array(rows * cols)
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[c * rows + r] = data[r * cols + c]!
  return out
}

function scaleRows(values: Float32Array, weights: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(rows * cols)
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[r * cols + c] = values[r * cols + c]! * weights[r]!
  return out
}
