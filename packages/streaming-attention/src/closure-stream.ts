import {
  checkFinite,
  checkHead,
  checkInteger,
  checkObject,
  COUNT,
  decodeSnapshot,
  FINITE,
  FRAME_FEATURES,
  headOf,
  NOT_NEGATIVE,
  readBy,
  schema,
  shapeIn,
  shapeParameters,
  type AttentionStream,
  type LiveStream,
  type Method,
  type Shape,
  type Snapshot,
  type State,
  type Tensor,
  type Given,
} from '@sublinear/core'
import { waitingBytes } from '@sublinear/token-store'
import { spreadSize, variancesOf, type ClosureMoments } from './closure-moments'
import { closureBytes, closureState } from './closure-state'
import { foldingStream } from './folding-stream'
import { isReachable, isSpread, REACHABLE, SPREAD } from './reachable-moments'
import { bufferSchema, MOST_BUFFER } from './saved-buffer'

const KIND = 'closure'
const VERSION = '4'
/** Tokens held exactly for each closure: a buffer of 64, as feature streams have, would outweigh the moments behind it. */
const TOKENS_A_CLUSTER = 16
const MOST_CLUSTERS = 64

export interface ClosureStreamOptions extends Shape {
  /** Number of closures; each takes the tokens whose keys are nearest to its mean. Default 1. */
  readonly clusters?: number | undefined
  /** Number of tokens held exactly before they are folded together. Default min(64, 16·clusters). */
  readonly buffer?: number | undefined
  /**
   * Most weight that the folded tokens count for together: beyond it, their mass is scaled down to it. It is for texts longer than a model was trained on, where
   * a growing rest would drown the tokens that are asked for. Default: no limit.
   */
  readonly most?: number | undefined
}

/** Options without the shape. */
export type ClosureSizes = Pick<ClosureStreamOptions, 'clusters' | 'buffer' | 'most'>

export interface ClosureStream extends AttentionStream, Disposable {
  readonly clusters: number
  readonly buffer: number
  /** Query rows answered so far, since this object was made; no part of a snapshot. */
  readonly counters: {
    readonly rows: number
    /**
     * Number of rows, among those counted above, whose scores spread wider than N Gaussian scores can, σ > √(2 ln N); they were answered by the tangent there.
     */
    readonly frozen: number
  }
}

/**
 * Makes a Gaussian closure: softmax attention from mean, covariance and extremes of keys and values, in constant memory. Answers have mass
 * N·exp(s⟨q,μ⟩ + rise) and value v̄ + tilt·s·Cq. Where scores reach far beyond σ, the rise is s²qᵀΣq/2 and the tilt 1, which becomes exact as n grows if keys
 * and values are jointly Gaussian; bounded scores rise less (`boundedGrowth`), as little as two points do.
 * Source: MomentKV (arXiv 2606.01563, 2026) keeps evicted tokens as count, mean key, mean value and covariance of values with keys, the first-order answer.
 *   Deviation: the second-order mass comes from the covariance of keys and is bounded by the extremes seen, and tokens are folded together in
 *   blocks; these are not from the papers. The mass uses the moment generating functions of a Gaussian and of a Beta distribution; moments are added by the
 *   pairwise update of Chan, Golub and LeVeque. Beyond σ = √(2 ln N) log mass goes on at most as its tangent there, since N tokens have no score that far out.
 *
 * Guarantee: the mass is positive, at least that of the mean token and at most that of a Gaussian. Every answer lies in the box of the values seen, so
 *   constant values are answered exactly. On independent, jointly Gaussian tokens with σ ≤ 1 the error falls as 1/√n, down to the error of the bounds: 1 % of
 *   the shift at a reach of 3σ, a thousandth of it at σ = 1/2. On other data it depends on their higher cumulants. Exact over the newest 1 to `buffer` tokens.
 * Cost: 2·d·(d + 1) + 4·d·dv + 16·(d + dv) + 8 bytes a closure and the buffer; 4·d·(d + dv) operations a closure and token with its query.
 *
 * @param d, dv, scale  widths of keys and values, factor inside exp
 * @param clusters  closures by key cluster, 1 to 64; default 1. With more, merging is 'none': two streams cut keys differently
 * @param buffer  tokens held exactly before they are folded, 1 to 64; default min(64, 16·clusters). Fewer save bytes and cost time;
 *   a token of less than 2⁻²⁴ of the weight does not change a covariance, so very long streams need tokens folded together
 * @param most  the most weight that the folded tokens count for, > 0; default: no limit
 * @throws TypeError, RangeError when a size is out of range or scale not finite
 * @example
 * const stream = closureStream({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 356
 */
export function closureStream(options: ClosureStreamOptions): ClosureStream {
  const { clusters, buffer, most, ...shape } = checkObject('closureStream', options)
  return live(shape, sizesOf({ clusters, buffer, most }))
}

/**
 * Restores a closure stream from its snapshot; it goes on bit for bit.
 *
 * @throws RangeError when the bytes are damaged or no snapshot of a closure stream
 */
export function restoreClosureStream(bytes: Uint8Array): ClosureStream {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const shape = shapeIn(KIND, snapshot, FRAME_FEATURES)
  const { buffer } = readBy(KIND, bufferSchema, snapshot).parameters
  return live(shape, { buffer, ...readBy(KIND, closureSizesSchema, snapshot).parameters }, snapshot)
}

function live(shape: Shape, sizes: Given<ClosureSizes>, from?: Snapshot): ClosureStream {
  checkSizes(shape, sizes)
  const { d, dv, scale } = shape
  const { clusters, buffer, most } = sizes
  return foldingStream<readonly ClosureMoments[], Pick<ClosureStream, 'clusters' | 'buffer'>>(
    {
      kind: KIND,
      version: VERSION,
      d,
      dv,
      scale,
      ...headOf(shape),
      block: buffer,
      merging: clusters === 1 ? 'linear' : 'none',
      identity: {
        ...shapeParameters(shape),
        clusters: String(clusters),
        buffer: String(buffer),
        ...(most < Infinity && { most: String(most) }),
      },
      begin: (moments) => closureState(shape, { clusters, most }, moments),
      saved: (state) => ({ tensors: tensorsOf(state.read(), d, dv) }),
      restored: (state) => momentsFrom(state, d, dv, clusters),
    },
    () => ({ clusters, buffer }),
    from,
  ) as LiveStream & Pick<ClosureStream, 'clusters' | 'buffer' | 'counters'>
}

export const closureMethod: Method<ClosureSizes> = {
  name: KIND,
  source: 'not from the papers; its first-order part is that of MomentKV (arXiv 2606.01563, 2026)',
  learns: 'nothing',
  can: FRAME_FEATURES,
  make: (shape, options) => closureStream({ ...shape, ...options }),
  bytes(shape, { clusters = 1, buffer = blockOf(clusters) }, { weighted = false }) {
    return clusters * closureBytes(shape) + waitingBytes(shape, buffer, weighted)
  },
  within(shape, budgetBytes, { weighted = false }) {
    const room = budgetBytes - closureBytes(shape)
    const buffer = [TOKENS_A_CLUSTER, 8, 4, 2, 1].find((count) => waitingBytes(shape, count, weighted) <= room)
    return buffer === undefined ? undefined : { buffer }
  },
  open: restoreClosureStream,
}

function blockOf(clusters: number): number {
  return Math.min(MOST_BUFFER, TOKENS_A_CLUSTER * clusters)
}

function sizesOf({ clusters = 1, buffer, most }: Undefined<ClosureSizes>): Given<ClosureSizes> {
  if (most !== undefined) checkFinite('closureStream', 'most', most, 0)
  return { clusters, buffer: buffer ?? blockOf(clusters), most: most ?? Infinity }
}

type Undefined<T> = { readonly [K in keyof T]: T[K] | undefined }

function checkSizes(shape: Shape, { clusters, buffer, most }: Given<ClosureSizes>): void {
  checkHead('closureStream', shape, FRAME_FEATURES, ['clusters', 'buffer', 'most'])
  if (most !== Infinity) checkFinite('closureStream', 'most', most, 0)
  checkInteger('closureStream', 'clusters', clusters, 1, MOST_CLUSTERS)
  checkInteger('closureStream', 'buffer', buffer, 1, MOST_BUFFER)
}

function tensorsOf(closures: readonly ClosureMoments[], d: number, dv: number): Record<string, Tensor> {
  const count = closures.length
  const floats = (name: 'spread' | 'low' | 'high', ...shape: number[]): Tensor => {
    const data = new Float32Array(count * shape.reduce((a, b) => a * b))
    for (const [c, closure] of closures.entries()) data.set(closure[name], c * closure[name].length)
    return { dtype: 'F32', shape: [count, ...shape], data }
  }
  const means = new Float64Array(count * (d + dv))
  for (const [c, { mean }] of closures.entries()) means.set(mean, c * (d + dv))
  return {
    total: { dtype: 'F64', shape: [count], data: Float64Array.from(closures, ({ weight }) => weight) },
    mean: { dtype: 'F64', shape: [count, d + dv], data: means },
    spread: floats('spread', spreadSize(d, dv)),
    low: floats('low', d + dv),
    high: floats('high', d + dv),
  }
}

/** Schema of the sizes of closures; `most` is present where there is a limit. */
export const closureSizesSchema = schema({
  parameters: {
    clusters: { whole: true, least: 1, most: MOST_CLUSTERS },
    most: { ...NOT_NEGATIVE, absent: Infinity },
  },
})

/** Schema of the snapshots of closures, beside shape, sizes, buffer and waiting tokens. */
export const closureSchema = schema(
  {
    kind: KIND,
    version: VERSION,
    parameters: { tokens: COUNT },
    tensors: {
      total: { type: 'F64', size: 'clusters', ...NOT_NEGATIVE },
      mean: { type: 'F64', size: 'clusters · (d + dv)', ...FINITE },
      spread: { type: 'F32', size: 'clusters · (d · (d + 1) / 2 + d · dv)', ...FINITE },
      low: { type: 'F32', size: 'clusters · (d + dv)', least: -Infinity, most: Infinity },
      high: { type: 'F32', size: 'clusters · (d + dv)', least: -Infinity, most: Infinity },
    },
  },
  {
    [REACHABLE]: ({ parameters: { tokens }, tensors }, { d, dv }) =>
      momentsOf(tensors, d, dv).every((one) => isReachable(one, tokens, d)),
    [SPREAD]: ({ tensors }, { d, dv }) =>
      momentsOf(tensors, d, dv).every(
        (one) => one.weight === 0 || isSpread(one.mean, { ...one, variances: variancesOf(one, d) }),
      ),
  },
)

interface SavedClosures {
  readonly total: Float64Array
  readonly mean: Float64Array
  readonly spread: Float32Array
  readonly low: Float32Array
  readonly high: Float32Array
}

function momentsOf({ total, mean, spread, low, high }: SavedClosures, d: number, dv: number): ClosureMoments[] {
  const [width, size] = [d + dv, spreadSize(d, dv)]
  return Array.from(total, (weight, c) => ({
    weight,
    mean: mean.slice(c * width, (c + 1) * width),
    spread: spread.slice(c * size, (c + 1) * size),
    low: low.slice(c * width, (c + 1) * width),
    high: high.slice(c * width, (c + 1) * width),
    d,
  }))
}

function momentsFrom(snapshot: State, d: number, dv: number, clusters: number): readonly ClosureMoments[] {
  const sizes = {
    d,
    dv,
    clusters,
    'clusters · (d + dv)': clusters * (d + dv),
    'clusters · (d · (d + 1) / 2 + d · dv)': clusters * spreadSize(d, dv),
  }
  return momentsOf(readBy(KIND, closureSchema, snapshot, sizes).tensors, d, dv)
}
