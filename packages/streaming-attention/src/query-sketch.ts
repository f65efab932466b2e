import {
  checkInteger,
  checkOptions,
  checkKeys,
  checkMatrix,
  checkObject,
  COUNT,
  decodeSnapshot,
  encodeSnapshot,
  FINITE,
  NOT_NEGATIVE,
  readBy,
  requireSame,
  restoreSketch,
  schema,
  sketch,
  type FeatureMap,
  type Matrix,
  type Sketch,
  type SparseRecovery,
  type SparseVector,
} from '@sublinear/core'
import { isFloat64, kernels } from '@sublinear/kernels'
import { piecesOf } from './feature-rows'
import { inverseRows, type Totals } from './inverse-rows'

const KIND = 'query-sketch'
const VERSION = '1'

export interface QuerySketchOptions {
  /** The feature map, of keys and of queries. */
  readonly features: FeatureMap
  /** Φ with its decoder. */
  readonly phi: SparseRecovery
}

export interface QuerySketch extends Disposable {
  readonly features: FeatureMap
  readonly phi: SparseRecovery
  /** Number of query rows pushed, here and into the shards that were merged. */
  readonly queries: number
  /** Number of query rows, among those counted above, with a negative or vanishing denominator: they were answered by a lower even degree. */
  readonly fallbacks: number
  readonly bytes: number
  /** Pushes rows of Q from index `first` on (default: after the last ones). `keys` are the sums over all keys, the same for every query. */
  push(queries: Matrix, keys: Totals, first?: number): void
  /** Decodes the columns of D⁻¹U₁·core, each k-sparse; core = U₂ᵀV (t × dv), exact or from sketches. */
  columns(core: Matrix): SparseVector[]
  /** Adds the queries of another shard, whose denominators must come from the same keys. */
  merge(other: QuerySketch): void
  toBytes(): Uint8Array
}

/**
 * Makes a query sketch, sk(D⁻¹U₁) = ΦD⁻¹U₁ (m₁ × t), which tells which of many queries have the largest outputs; no query is stored.
 * Source: lines 24 to 34 of Algorithm 1 (one-pass paper). Deviation: inverseRows guards the denominators.
 *
 * Row i is divided by its own denominator before Φ mixes rows, so z = U₂ᵀ1 must be complete before the first query. Across shards:
 * add the z first, then give every shard its part of the queries.
 *
 * Guarantee: that of Φ, for the columns of D⁻¹U₁·core.
 * Cost: 4·m₁·t + 8·t bytes and a buffer of 64 rows; t multiply-adds a query and nonzero of Φ's column; 2·m₁·t·dv operations and dv
 *   decodings for the columns.
 *
 * @throws TypeError, RangeError when phi is no SparseRecovery; push refuses indices from n on and keys that changed meanwhile
 */
export function querySketch(options: QuerySketchOptions): QuerySketch {
  checkOptions(KIND, options, ['features', 'phi'])
  const { features, phi } = options
  checkPhi(KIND, phi)
  return live(features, phi, { skD1U1: sketch(phi.matrix, features.t, { precision: 'f32' }), queries: 0 })
}

/** Φ as snapshots have it; its numbers are absent where there is none. */
export const PHI = {
  phi: 'text',
  'phi.n': { whole: true, least: 0, absent: 0 },
  'phi.k': { whole: true, least: 0, absent: 0 },
  'phi.m': { whole: true, least: 0, absent: 0 },
  'phi.seed': 'text',
} as const

/** Schema of the snapshots of query sketches; features and Φ are given by the caller. */
export const querySketchSchema = schema(
  {
    kind: KIND,
    version: VERSION,
    parameters: { features: 'text', ...PHI, queries: COUNT, weight: NOT_NEGATIVE },
    tensors: { totals: { type: 'F64', ...FINITE }, 'sk(D-1U1)': { type: 'U8', ...COUNT } },
  },
  {
    '`totals` has an entry for each feature, and none before the first query.': (
      { parameters: { queries }, tensors: { totals } },
      { t },
    ) => totals.length === (queries > 0 ? t : 0),
  },
)

/**
 * Restores a query sketch from its snapshot; it goes on bit for bit.
 *
 * @throws RangeError when the bytes are damaged or belong to other features or another Φ
 */
export function restoreQuerySketch(options: QuerySketchOptions, bytes: Uint8Array): QuerySketch {
  const { features, phi } = checkObject('restoreQuerySketch', options)
  checkPhi(KIND, phi)
  const who = 'restoreQuerySketch'
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  requireSame(who, identity(features, phi), pick(snapshot.parameters, identity(features, phi)))
  const { parameters, tensors } = readBy(who, querySketchSchema, snapshot, { t: features.t })
  const { queries, weight } = parameters
  const { totals, 'sk(D-1U1)': sketched } = tensors
  const skD1U1 = restoreSketch(phi.matrix, sketched)
  if (skD1U1.width !== features.t || skD1U1.precision !== 'f32' || skD1U1.rows > phi.n)
    throw new RangeError(`${who}: the sketch does not fit the parameters`)
  return live(features, phi, { skD1U1, queries, ...(queries > 0 && { keys: { totals, weight } }) })
}

interface Contents {
  readonly skD1U1: Sketch // m₁ × t
  readonly queries: number
  /** Sums over the keys, of which the denominators are made; present once there is a query. */
  readonly keys?: Totals | undefined
}

const keysOf = new WeakMap<QuerySketch, () => { keys: Totals | undefined; skD1U1: Sketch }>()

function live(features: FeatureMap, phi: SparseRecovery, contents: Contents): QuerySketch {
  const { d, t } = features
  const { skD1U1 } = contents
  let { queries, keys } = contents
  let fallbacks = 0

  const self: QuerySketch = {
    features,
    phi,
    get queries() {
      return queries
    },
    get fallbacks() {
      return fallbacks
    },
    get bytes() {
      return skD1U1.bytes + 8 * t
    },
    push(block, given, first = skD1U1.rows) {
      checkKeys(KIND, 'queries', block, d)
      checkInteger(KIND, 'first', first, 0)
      checkInteger(KIND, 'first + queries.rows', first + block.rows, 0, phi.n)
      checkTotals(given, t)
      if (keys && !sameKeys(keys, given))
        throw new RangeError(`${KIND}: all queries must follow all keys, and the keys changed after the first query`)
      if (block.rows === 0) return
      keys ??= { totals: given.totals.slice(), weight: given.weight }
      for (const [piece, from] of piecesOf(block)) {
        const inverse = inverseRows(features, keys, piece)
        skD1U1.push(inverse.rows, first + from)
        fallbacks += inverse.fallbacks
      }
      queries += block.rows
    },
    columns(core) {
      checkMatrix(KIND, 'core', core, undefined, t)
      const dv = core.cols
      const z = new Float32Array(phi.m * dv) // Z = sk(D⁻¹U₁)·core
      kernels().product('nn', z, skD1U1.state.data as Float32Array, core.data, phi.m, t, dv)
      checkMatrix(KIND, 'Z', { rows: phi.m, cols: dv, data: z })
      return Array.from({ length: dv }, (_, c) =>
        phi.decode(Float32Array.from({ length: phi.m }, (_, r) => z[r * dv + c])),
      )
    },
    merge(other) {
      const theirs = keysOf.get(other)?.()
      if (!theirs) throw new TypeError(`${KIND}: cannot merge, the other is not a query sketch`)
      requireSame(KIND, identity(features, phi), identity(other.features, other.phi))
      if (keys && theirs.keys && !sameKeys(keys, theirs.keys))
        throw new RangeError(`${KIND}: the denominators differ: add up the keys of all shards first, then push queries`)
      skD1U1.merge(theirs.skD1U1)
      keys ??= theirs.keys
      queries += other.queries
    },
    toBytes() {
      const sketched = skD1U1.toBytes()
      const totals = keys?.totals ?? new Float64Array(0)
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters: { ...identity(features, phi), queries: String(queries), weight: String(keys?.weight ?? 0) },
        tensors: {
          totals: { dtype: 'F64', shape: [totals.length], data: totals },
          'sk(D-1U1)': { dtype: 'U8', shape: [sketched.length], data: sketched },
        },
      })
    },
    [Symbol.dispose]: () => skD1U1[Symbol.dispose](),
  }
  keysOf.set(self, () => ({ keys, skD1U1 }))
  return self
}

function sameKeys(a: Totals, b: Totals): boolean {
  return a.weight === b.weight && a.totals.every((z, f) => z === b.totals[f])
}

function checkTotals({ totals, weight }: Totals, t: number): void {
  if (!isFloat64(totals)) throw new TypeError(`${KIND}: keys.totals must be a Float64Array`)
  if (totals.length !== t) throw new RangeError(`${KIND}: keys.totals must have ${t} entries, got ${totals.length}`)
  if (!(weight > 0 && weight < Infinity))
    throw new RangeError(`${KIND}: queries must follow keys, and their weight is ${weight}`)
}

export function checkPhi(who: string, phi: SparseRecovery): void {
  if (typeof phi?.decode !== 'function' || typeof phi.matrix !== 'object')
    throw new TypeError(`${who}: phi must be a SparseRecovery, got ${typeof phi}`)
  checkInteger(who, 'phi.m', phi.m, 1)
  checkInteger(who, 'phi.matrix.m', phi.matrix.m, phi.m, phi.m)
}

/** Parameters that decide a query sketch: where they are equal, two are the same. */
export function identity(features: FeatureMap, { n, k, matrix }: SparseRecovery): Record<string, string> {
  return {
    features: features.spec,
    phi: matrix.kind,
    'phi.n': String(n),
    'phi.k': String(k),
    'phi.m': String(matrix.m),
    'phi.seed': String(matrix.seed),
  }
}

function pick(parameters: Record<string, string>, names: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.keys(names).map((name) => [name, parameters[name] ?? 'nothing']))
}
