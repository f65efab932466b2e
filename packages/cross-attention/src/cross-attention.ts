import {
  checkInteger,
  checkKeys,
  checkMatrix,
  checkObject,
  checkOptions,
  checkValues,
  decodeSnapshot,
  encodeSnapshot,
  FINITE,
  matrix,
  readBy,
  requireSame,
  schema,
  type FeatureMap,
  type Matrix,
  type PartialSoftmax,
  type SketchMatrix,
  type SparseRecovery,
  type SparseVector,
} from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { makeContext, type Context } from './context'

const KIND = 'cross-attention'
const VERSION = '1'
const WHO = 'crossAttention'

export interface CrossAttentionOptions {
  /** Weights from rows of X₁ to queries: X₁'s columns × d. */
  readonly wq: Matrix
  /** Weights from rows of X₂ to keys: X₂'s columns × d. */
  readonly wk: Matrix
  /** Weights from rows of X₂ to values: X₂'s columns × dv. */
  readonly wv: Matrix
  /** The feature map, of keys and of queries. */
  readonly features: FeatureMap
  /** Φ with its decoder: for `pushQueries` and `columns`. Row answers need none. */
  readonly phi?: SparseRecovery | undefined
  /** Sketch matrix Ψ, to sketch keys and values as printed in the paper. Default: none; U₂ᵀV is held exactly. */
  readonly psi?: SketchMatrix | undefined
}

export interface CrossAttention extends Disposable {
  readonly features: FeatureMap
  readonly wq: Matrix
  readonly wk: Matrix
  readonly wv: Matrix
  /** Whether there is a Φ to push queries into. */
  readonly folds: boolean
  /** Number of rows of X₂ pushed. */
  readonly tokens: number
  /** Number of rows of X₁ pushed. */
  readonly queries: number
  /** Number of query rows answered by a lower even degree since this object was made. */
  readonly fallbacks: number
  readonly bytes: number
  /** Pushes rows of X₂, before the first query. `first` says where a shard's rows stand; without psi their place does not matter. */
  pushContext(rows: Matrix, first?: number): void
  /** Pushes rows of X₁ from index `first` on (default: after the last ones), after all of X₂. */
  pushQueries(rows: Matrix, first?: number): void
  /** Decodes the columns of the output for all rows of X₁ pushed, each k-sparse. */
  columns(): SparseVector[]
  /** Answers rows of X₁. Pure. */
  attend(rows: Matrix): PartialSoftmax
  /** Before the first query, adds another shard's context. After it, adds the queries of another copy of the same context. */
  merge(other: CrossAttention): void
  toBytes(): Uint8Array
}

/**
 * Makes cross-attention: rows of X₁ attend to rows of X₂, with Q = X₁·wq, K = X₂·wk, V = X₂·wv, in one pass over each.
 * Source: Algorithm 2 and Corollary 4.2 (one-pass paper). Deviation: a key comes with its value, so by default U₂ᵀV is held and not two
 * sketches of it: t·dv numbers in place of m₂·(t + dv), without sketch error; psi asks for the sketches.
 *
 * Guarantee: that of featureStream on the products; with psi, that of onePass.
 * Cost: 2·(columns of X)·d operations a row and weight matrix beside those of the state; bytes of the state and of the weights.
 *
 * @throws TypeError, RangeError when shapes do not fit; a call that is refused changes nothing
 */
export function crossAttention(options: CrossAttentionOptions): CrossAttention {
  checkOptions(WHO, options, ['wq', 'wk', 'wv', 'features', 'phi', 'psi'])
  const { wq, wk, wv, features, phi, psi } = options
  checkWeights(WHO, { wq, wk, wv }, features)
  const copies = [wq, wk, wv].map(({ rows, cols, data }) => matrix(rows, cols, data.slice())) as [
    Matrix,
    Matrix,
    Matrix,
  ]
  return live(copies, features, makeContext({ features, dv: wv.cols, psi, phi }))
}

const BYTES = { type: 'U8', optional: true, whole: true, least: 0 } as const

/** Snapshots of cross-attention: weights, and parts that are snapshots of their own. */
export const crossAttentionSchema = schema(
  {
    kind: KIND,
    version: VERSION,
    parameters: { features: 'text' },
    tensors: {
      wq: { type: 'F32', ...FINITE },
      wk: { type: 'F32', ...FINITE },
      wv: { type: 'F32', ...FINITE },
      context: BYTES,
      'one-pass': BYTES,
      'sk(D-1U1)': BYTES,
    },
  },
  {
    'Rows of `wq` (columns of X1 × d) and of `wk` (columns of X2 × d) are whole; `wv` (columns of X2 × dv) has as many as `wk`.':
      ({ tensors: { wq, wk, wv } }, { d }) =>
        [wq, wk].every(({ length }) => length > 0 && length % d === 0) &&
        wv.length > 0 &&
        wv.length % (wk.length / d) === 0,
    'With Ψ there is a `one-pass`, else a `context`, and a `sk(D-1U1)` where there is a Φ.': ({ tensors }) =>
      tensors['one-pass'].length > 0
        ? tensors.context.length + tensors['sk(D-1U1)'].length === 0
        : tensors.context.length > 0,
  },
)

/**
 * Cross-attention from its snapshot, which carries the weights, resuming bit for bit.
 *
 * @throws RangeError when the bytes are damaged or belong to other features, another Ψ or another Φ
 */
export function restoreCrossAttention(
  options: Pick<CrossAttentionOptions, 'features' | 'phi' | 'psi'>,
  bytes: Uint8Array,
): CrossAttention {
  const { features, phi, psi } = checkObject('restoreCrossAttention', options)
  const who = 'restoreCrossAttention'
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const { parameters } = readBy(who, crossAttentionSchema, snapshot, { d: features.d })
  const { tensors } = snapshot
  requireSame(who, { features: features.spec }, { features: parameters.features })
  const [wq, wk, wv] = ['wq', 'wk', 'wv'].map((name) => {
    const { shape = [], data } = tensors.get(name) ?? {}
    if (!(data instanceof Float32Array) || shape.length !== 2)
      throw new RangeError(`${who}: the snapshot has no weights ${name}`)
    return matrix(shape[0], shape[1], data)
  }) as [Matrix, Matrix, Matrix]
  checkWeights(who, { wq, wk, wv }, features)
  const parts: Record<string, Uint8Array> = {}
  for (const [name, { data }] of tensors) if (data instanceof Uint8Array) parts[name] = data
  const wanted = psi ? ['one-pass'] : ['context', ...(phi ? ['sk(D-1U1)'] : [])]
  requireSame(who, { parts: String(wanted.toSorted()) }, { parts: String(Object.keys(parts).toSorted()) })
  const context = makeContext({ features, dv: wv.cols, psi, phi }, parts)
  return live([wq, wk, wv], features, context)
}

const contextOf = new WeakMap<CrossAttention, Context>()

function live([wq, wk, wv]: [Matrix, Matrix, Matrix], features: FeatureMap, context: Context): CrossAttention {
  const weights = { wq, wk, wv }
  /** Multiplies rows of X₁ to rows of Q. */
  const queriesOf = (rows: Matrix): Matrix => {
    const queries = project('rows of X1', rows, wq)
    checkKeys(WHO, 'queries', queries)
    return queries
  }

  const self: CrossAttention = {
    features,
    ...weights,
    folds: context.folds,
    get tokens() {
      return context.tokens
    },
    get queries() {
      return context.queries
    },
    get fallbacks() {
      return context.fallbacks
    },
    get bytes() {
      return context.bytes + 4 * (wq.data.length + wk.data.length + wv.data.length)
    },
    pushContext(rows, first) {
      const keys = project('rows of X2', rows, wk)
      const values = project('rows of X2', rows, wv)
      checkKeys(WHO, 'keys', keys)
      checkValues(WHO, 'values', values)
      context.push(keys, values, first)
    },
    pushQueries: (rows, first) => context.pushQueries(queriesOf(rows), first),
    columns: () => context.columns(),
    attend: (rows) => context.attend(queriesOf(rows)),
    merge(other) {
      const theirs = contextOf.get(other)
      if (!theirs) throw new TypeError(`${WHO}: cannot merge, the other is no cross-attention`)
      requireSame(WHO, { features: features.spec }, { features: other.features.spec })
      for (const name of ['wq', 'wk', 'wv'] as const) {
        const { rows, cols, data } = other[name]
        const same = rows === weights[name].rows && cols === weights[name].cols
        if (!same || !data.every((x, i) => x === weights[name].data[i]))
          throw new RangeError(`${WHO}: cannot merge, ${name} differs`)
      }
      context.merge(theirs)
    },
    toBytes() {
      const tensors = Object.entries(weights).map(
        ([name, { rows, cols, data }]) => [name, { dtype: 'F32' as const, shape: [rows, cols], data }] as const,
      )
      const parts = Object.entries(context.parts()).map(
        ([name, data]) => [name, { dtype: 'U8' as const, shape: [data.length], data }] as const,
      )
      const parameters = { features: features.spec }
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters,
        tensors: Object.fromEntries([...tensors, ...parts]),
      })
    },
    [Symbol.dispose]: () => context[Symbol.dispose](),
  }
  contextOf.set(self, context)
  return self
}

function project(name: string, rows: Matrix, weight: Matrix): Matrix {
  checkMatrix(WHO, name, rows, weight.rows)
  const out = matrix(rows.rows, weight.cols)
  kernels().product('nn', out.data, rows.data, weight.data, rows.rows, weight.rows, weight.cols)
  return out
}

function checkWeights(who: string, { wq, wk, wv }: Record<'wq' | 'wk' | 'wv', Matrix>, features: FeatureMap): void {
  const { d } = checkObject(who, features, 'features')
  checkMatrix(who, 'wq', wq, d)
  checkMatrix(who, 'wk', wk, d)
  checkMatrix(who, 'wv', wv, undefined, wk.rows)
  checkInteger(who, 'wq.rows', wq.rows, 1)
  checkInteger(who, 'wk.rows', wk.rows, 1)
  checkInteger(who, 'wv.cols', wv.cols, 1)
}
