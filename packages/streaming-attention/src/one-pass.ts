import { isFloat32 } from '@sublinear/kernels'
import {
  checkFinite,
  checkInteger,
  checkOptions,
  checkKeys,
  checkObject,
  checkValues,
  emptyPartial,
  requireSame,
  rowsOf,
  sketch,
  type FeatureMap,
  type Matrix,
  type PartialSoftmax,
  type SketchMatrix,
  type SparseRecovery,
  type SparseVector,
} from '@sublinear/core'
import { featureRows, PIECE, piecesOf } from './feature-rows'
import { featureState, type FeatureState } from './feature-state'
import {
  identityOf,
  readOnePass,
  requireSameRows,
  requireSameTokens,
  widthOfValues,
  writeOnePass,
  type OnePassState,
} from './one-pass-state'
import { checkPhi, querySketch } from './query-sketch'
import { productBounds } from './product-bounds'
import { rowLedger } from './row-ledger'
import { sketchedProduct, withOnes } from './sketched-product'
import { squareSums } from './square-sums'

const KIND = 'onePass'

export interface OnePassOptions {
  /** The feature map, of keys and of queries. */
  readonly features: FeatureMap
  /** Value width. */
  readonly dv: number
  /** Sketch matrix Ψ, shared by keys and values. */
  readonly psi: SketchMatrix
  /** Φ with its decoder: for `pushQueries` and `columns`. Row answers need none. */
  readonly phi?: SparseRecovery | undefined
  /** Whether U₂ and V are sketched without their means, which are kept exactly, by one more column of Ψ·[V 1]. Default true. */
  readonly controlVariate?: boolean | undefined
  /** Keep the sums of squares that `bounds` needs, 8·(1 + 2·dv) bytes. Default false. */
  readonly bounds?: boolean | undefined
}

export interface OnePass extends Disposable {
  readonly features: FeatureMap
  readonly dv: number
  readonly psi: SketchMatrix
  readonly phi: SparseRecovery | undefined
  readonly controlVariate: boolean
  /** Number of rows of each matrix pushed so far. */
  readonly keys: number
  readonly values: number
  readonly queries: number
  /** Query rows answered or sketched since this object was made, and those of them that took a lower even degree. */
  readonly counters: { readonly rows: number; readonly fallbacks: number }
  readonly bytes: number
  /** Pushes rows of V from index `first` on (default: after the last ones), at any time. */
  pushValues(block: Matrix, first?: number): void
  /** Adds scale · row to row `index` of V, as a correction; the row may be pushed before or after. */
  updateValue(index: number, row: Float32Array, scale?: number): void
  /** Pushes rows of K from index `first` on (default: after the last ones), before the first query. */
  pushKeys(block: Matrix, first?: number): void
  /** Pushes rows of Q from index `first` on (default: after the last ones), after the last key. */
  pushQueries(block: Matrix, first?: number): void
  /** Decodes the dv columns of the output for all queries pushed, each k-sparse. */
  columns(): SparseVector[]
  /** Answers rows of queries from the same state. Pure. */
  attend(queries: Matrix): PartialSoftmax
  /**
   * How far the entries of those answers are from attention by the same features without Ψ, at most, rows × dv: with probability 1 − delta over the seed of Ψ for all entries of
   * all queries at once, those too that were chosen after earlier answers. Infinity where a row has no mass to divide by.
   *
   * @throws RangeError unless the rows 0 … n − 1 of keys and values are here, each once; TypeError without the option `bounds`
   */
  bounds(queries: Matrix, delta: number): Matrix
  /**
   * Before the first query, adds another shard's keys and values. After it, adds the queries of another copy of the same
   * keys and values.
   */
  merge(other: OnePass): void
  toBytes(): Uint8Array
}

/**
 * Makes the state of the one-pass streaming algorithm: attention from three linear sketches of values, keys and queries, which arrive apart, in any
 * blocks and shards.
 * Source: Algorithm 1 (one-pass paper). Deviation: a control variate, guarded denominators, row answers.
 *
 * Keys and values may come in any order, interleaved; a query is divided by its denominator as it comes, so all keys precede it.
 * Where a key always comes with its value, featureStream holds U₂ᵀV itself: smaller once m₂ ≥ dv, and without sketch error.
 *
 * Guarantee: for fixed inputs and over Ψ, column i of U₁'s answers is off by about ‖P̃‖_F·‖V_i‖/√m₂ in ℓ₂, with the control variate by
 *   ‖P̃ − its row means‖_F·‖V_i − its mean‖/√m₂; for all queries at once, adaptive ones too, `bounds` says by how much. Features and Φ add their own errors. Masses are exact, never negative.
 * Cost: 4·m₂·(t + dv + 1) + 4·m₁·t + 8·(2·t + dv) bytes, Ψ, Φ and buffers of 64 rows. A key costs one row of t through Ψ, a value one of
 *   dv + 1, a query one of t through Φ; 2·m₂·t·dv operations once before answers.
 *
 * @throws TypeError, RangeError when an option is malformed; a call that is refused changes nothing
 */
export function onePass(options: OnePassOptions): OnePass {
  checkOptions(KIND, options, ['features', 'dv', 'psi', 'phi', 'controlVariate', 'bounds'])
  const { features, dv, psi, phi, controlVariate = true, bounds = false } = options
  checkInteger(KIND, 'dv', dv, 1)
  if (typeof psi?.accumulate !== 'function')
    throw new TypeError(`${KIND}: psi must be a SketchMatrix, got ${typeof psi}`)
  if (phi !== undefined) checkPhi(KIND, phi)
  for (const [name, is] of Object.entries({ controlVariate, bounds }))
    if (typeof is !== 'boolean') throw new TypeError(`${KIND}: ${name} must be true or false, got ${String(is)}`)
  if (bounds && psi.innerVariance === undefined)
    throw new TypeError(`${KIND}: bounds need a psi with an innerVariance, and ${psi.kind} has none`)
  const { t } = features
  return live({
    features,
    dv,
    psi,
    phi,
    controlVariate,
    skU2: sketch(psi, t, { precision: 'f32' }),
    skV: sketch(psi, widthOfValues({ dv, controlVariate }), { precision: 'f32' }),
    prodU2: new Float64Array(t),
    skD1U1: phi && querySketch({ features, phi }),
    sumV: new Float64Array(dv),
    keys: rowLedger(),
    values: rowLedger(),
    squares: bounds ? squareSums(dv) : undefined,
  })
}

/**
 * Restores a one-pass state from its snapshot; it goes on bit for bit, with the same features, Ψ and Φ.
 *
 * @throws RangeError when the bytes are damaged or belong to other features, another Ψ or another Φ
 */
export function restoreOnePass(options: Pick<OnePassOptions, 'features' | 'psi' | 'phi'>, bytes: Uint8Array): OnePass {
  const { features, psi, phi } = checkObject('restoreOnePass', options)
  return live(readOnePass('restoreOnePass', { features, psi, phi }, bytes))
}

const stateOf = new WeakMap<OnePass, OnePassState>()

/** The algorithm on its states, all zero or restored. */
function live(state: OnePassState): OnePass {
  const { features, dv, psi, phi, controlVariate } = state
  const { skU2, skV, prodU2, skD1U1, sumV, keys, values, squares } = state
  const { d, t } = features
  const counters = { rows: 0, fallbacks: 0 }
  let readout: FeatureState | undefined // the product φ(q)·U₂ᵀΨᵀΨV over φ(q)·z, until the next push
  let product: Matrix | undefined

  const checkRows = (name: string, first: number, rows: number) => {
    checkInteger(KIND, 'first', first, 0)
    checkInteger(KIND, `first + ${name}.rows`, first + rows, 0, psi.n)
  }
  const changed = () => {
    readout?.[Symbol.dispose]()
    readout = product = undefined
  }
  /** U₂ᵀΨᵀΨV, t × dv. */
  const middle = (): Matrix => {
    requireSameRows(KIND, state)
    return (product ??= sketchedProduct(state))
  }
  /** Maps keys to rows of U₂, a piece at a time. */
  const mapKeys = (block: Matrix, use: (u2: Matrix, at: number) => void) => {
    for (const [piece, at] of piecesOf(block)) {
      const u2 = featureRows(piece.rows, t)
      features.mapKeys(piece, u2)
      checkValues(KIND, 'features of keys', u2, t)
      use(u2, at)
    }
  }

  const self: OnePass = {
    features,
    dv,
    psi,
    phi,
    controlVariate,
    counters,
    get keys() {
      return keys.count
    },
    get values() {
      return values.count
    },
    get queries() {
      return skD1U1?.queries ?? 0
    },
    get bytes() {
      const shared = skU2.bytes + skV.bytes - psi.bytes
      return shared + (skD1U1?.bytes ?? 0) + 8 * (t + dv) + features.spec.length + (squares?.data.byteLength ?? 0)
    },

    // Read V and compute sk(V) = ΨV.
    pushValues(block, first = values.next) {
      checkValues(KIND, 'values', block, dv)
      checkRows('values', first, block.rows)
      changed()
      for (let i = 0; i < block.data.length; i++) sumV[i % dv] += block.data[i]
      squares?.addValues(block)
      skV.push(controlVariate ? withOnes(block) : block, first)
      values.add(first, block.rows)
    },
    updateValue(index, row, scale = 1) {
      checkInteger(KIND, 'index', index, 0, (psi.n ?? Number.MAX_SAFE_INTEGER) - 1)
      checkFinite(KIND, 'scale', scale)
      if (!isFloat32(row)) throw new TypeError(`${KIND}: row must be a Float32Array, got ${typeof row}`)
      checkValues(KIND, 'scale · row', { rows: 1, cols: dv, data: row.map((x) => x * scale) })
      changed()
      for (let c = 0; c < dv; c++) sumV[c] += row[c] * scale
      squares?.change(row, scale)
      const change = new Float32Array(skV.width) // the column of ones keeps its 1
      change.set(row)
      skV.update(index, change, scale)
    },

    // Read K: compute sk(U₂) = ΨU₂ and U₂ᵀ1.
    pushKeys(block, first = keys.next) {
      checkKeys(KIND, 'keys', block, d)
      checkRows('keys', first, block.rows)
      if (skD1U1 && skD1U1.queries > 0 && block.rows > 0)
        throw new RangeError(`${KIND}: keys must come before the first query, whose denominator needs them all`)
      if (block.rows > PIECE) mapKeys(block, () => {}) // all pieces are mapped first, so that nothing is pushed when a later piece is refused
      mapKeys(block, (u2, at) => {
        changed()
        for (let i = 0; i < u2.rows; i++) for (let f = 0; f < t; f++) prodU2[f] += u2.data[i * t + f]
        squares?.addKeys(u2)
        skU2.push(u2, first + at)
      })
      keys.add(first, block.rows)
    },

    // Read Q: compute sk(D⁻¹U₁) = ΦD⁻¹U₁.
    pushQueries(block, first) {
      if (!skD1U1) throw new RangeError(`${KIND}: pushQueries needs phi; attend answers rows without it`)
      if (keys.count === 0) throw new RangeError(`${KIND}: queries must come after all keys, and there is none yet`)
      const before = skD1U1.fallbacks
      skD1U1.push(block, { totals: prodU2, weight: keys.count }, first)
      counters.rows += block.rows
      counters.fallbacks += skD1U1.fallbacks - before
    },

    // Decode the columns of Z = sk(D⁻¹U₁)·sk(U₂)ᵀ·sk(V).
    columns() {
      if (!skD1U1) throw new RangeError(`${KIND}: columns needs phi; attend answers rows without it`)
      return skD1U1.columns(middle())
    },
    attend(queries) {
      checkKeys(KIND, 'queries', queries, d)
      const out = emptyPartial(queries.rows, dv)
      const moments = { state: middle().data, totals: prodU2, weight: keys.count }
      readout ??= featureState(features, dv, moments)
      for (const [piece, from] of piecesOf(queries)) {
        const to = from + piece.rows
        const [max, mass] = [out.max.subarray(from, to), out.mass.subarray(from, to)]
        counters.fallbacks += readout.answer(piece, max, mass, rowsOf(out.sum, from, to).data)
      }
      counters.rows += queries.rows
      return out
    },
    bounds(queries, delta) {
      return productBounds(KIND, state, queries, self.attend(queries).mass, delta)
    },

    merge(other) {
      const theirs = stateOf.get(other)
      if (!theirs) throw new TypeError(`${KIND}: cannot merge, the other is not a one-pass state`)
      requireSame(KIND, identityOf(state), identityOf(theirs))
      if (skD1U1 && theirs.skD1U1 && (self.queries > 0 || other.queries > 0)) {
        requireSameTokens(KIND, state, theirs)
        return skD1U1.merge(theirs.skD1U1)
      }
      changed()
      skU2.merge(theirs.skU2)
      skV.merge(theirs.skV)
      for (const [f, z] of theirs.prodU2.entries()) prodU2[f] += z
      for (const [c, sum] of theirs.sumV.entries()) sumV[c] += sum
      squares?.add(theirs.squares!)
      keys.merge(theirs.keys)
      values.merge(theirs.values)
    },
    toBytes: () => writeOnePass(state),
    [Symbol.dispose]() {
      changed()
      for (const held of [skU2, skV, skD1U1]) held?.[Symbol.dispose]()
    },
  }
  stateOf.set(self, state)
  return self
}
