import {
  checkInteger,
  checkScale,
  checkValues,
  decodeSnapshot,
  type AttentionStream,
  type Shape,
  type Tensor,
} from '@sublinear/core'
import { restoredTokens } from '@sublinear/exact-attention'
import { spreadSize, type ClosureMoments } from './closure-moments'
import { closureState } from './closure-state'
import { foldingStreams, type FoldingOptions } from './folding-streams'

const KIND = 'closure'
const VERSION = '2'
/** Tokens held exactly for each closure: the buffer of 64 that features have would outweigh the moments it feeds. */
const TOKENS_A_CLUSTER = 16
const MOST_CLUSTERS = 64
const MOST_BUFFER = 64

export interface ClosureStreamOptions extends Shape {
  /** Closures, each over the keys nearest to its own mean. Default 1. */
  readonly clusters?: number
  /** Tokens held exactly before they are folded together. Default min(64, 16·clusters). */
  readonly buffer?: number
}

export interface ClosureStream extends AttentionStream, Disposable {
  readonly clusters: number
  readonly buffer: number
  /** Query rows answered so far, since this object was made; no part of a snapshot. */
  readonly counters: {
    readonly rows: number
    /** Of these: scores spread wider than N Gaussian scores can show, σ > √(2 ln N); answered by the tangent there. */
    readonly frozen: number
  }
}

const stream = foldingStreams<readonly ClosureMoments[]>(KIND, VERSION)

/**
 * Softmax attention from mean and covariance of keys and values, in constant memory: the Gaussian closure. Answers have mass
 * N·exp(s⟨q,μ⟩ + s²qᵀΣq/2) and value v̄ + s·Cq, which is exact as n grows when key and value are jointly Gaussian.
 * Source: not from the papers. The moment generating function of a Gaussian; moments by the pairwise update of Chan, Golub and LeVeque.
 *   Beyond σ = s√(qᵀΣq) = √(2 ln N) log mass goes on as its tangent σ√(2 ln N) − ln N, since N tokens have no score that far out.
 *
 * @param d, dv, scale  widths of keys and values, factor inside exp
 * @param clusters  closures by key cluster, 1 to 64; default 1. With more, merging is 'none': two streams cut keys differently
 * @param buffer  tokens held exactly before they are folded, 1 to 64; default min(64, 16·clusters). Fewer save bytes and cost time;
 *   a token of less than 2⁻²⁴ of the weight leaves a covariance as it is, so very long streams want them folded together
 * @throws TypeError, RangeError when a size is out of range or scale not finite
 * Guarantee: mass is positive, every answer lies in the box of the values seen, constant values come back. On independent jointly
 *   Gaussian tokens with σ² < ln N / 2 the error falls as 1/√n; on anything else it is what the data's higher cumulants make it.
 *   Exact over the newest 1 to `buffer` tokens.
 * Cost: 2·d·(d + 1) + 4·d·dv + 8·(d + 2·dv) + 8 bytes a closure and the buffer; 4·d·(d + dv) operations a closure and token with its query.
 */
export function closureStream({
  clusters = 1,
  buffer = blockOf(clusters),
  ...shape
}: ClosureStreamOptions): ClosureStream {
  return live(shape, clusters, buffer)
}

/**
 * A closure stream from its snapshot, resuming bit for bit.
 *
 * @throws RangeError when the bytes are damaged or no snapshot of a closure stream
 */
export function restoreClosureStream(bytes: Uint8Array): ClosureStream {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const [d, dv, scale, clusters, buffer] = ['d', 'dv', 'scale', 'clusters', 'buffer'].map((name) =>
    Number(snapshot.parameters[name]),
  ) as [number, number, number, number, number]
  checkOptions({ d, dv, scale }, clusters, buffer)
  const from = restoredTokens(KIND, snapshot, { d, dv, most: buffer })
  return live({ d, dv, scale }, clusters, buffer, momentsFrom(snapshot.tensors, d, dv, clusters), from)
}

function live(
  shape: Shape,
  clusters: number,
  buffer: number,
  moments?: readonly ClosureMoments[],
  from?: FoldingOptions<never>['from'],
): ClosureStream {
  checkOptions(shape, clusters, buffer)
  const { d, dv, scale } = shape
  const counters = { rows: 0, frozen: 0 }
  const base = stream({
    d,
    dv,
    scale,
    block: buffer,
    merging: clusters === 1 ? 'linear' : 'none',
    identity: {
      d: String(d),
      dv: String(dv),
      scale: String(scale),
      clusters: String(clusters),
      buffer: String(buffer),
    },
    state: closureState(shape, clusters, counters, moments),
    saved: (closures) => ({ parameters: {}, tensors: tensorsOf(closures, d, dv) }),
    ...(from && { from }),
  })
  return Object.assign(base, { clusters, buffer, counters })
}

function blockOf(clusters: number): number {
  return Math.min(MOST_BUFFER, TOKENS_A_CLUSTER * clusters)
}

function checkOptions({ d, dv, scale }: Shape, clusters: number, buffer: number): void {
  checkInteger('closureStream', 'd', d, 1)
  checkInteger('closureStream', 'dv', dv, 1)
  checkScale('closureStream', scale)
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
    low: floats('low', dv),
    high: floats('high', dv),
  }
}

function momentsFrom(
  tensors: ReadonlyMap<string, Tensor>,
  d: number,
  dv: number,
  clusters: number,
): readonly ClosureMoments[] {
  const [total, mean, spread, low, high] = ['total', 'mean', 'spread', 'low', 'high'].map(
    (name) => tensors.get(name)?.data,
  )
  const fits =
    total instanceof Float64Array &&
    mean instanceof Float64Array &&
    spread instanceof Float32Array &&
    low instanceof Float32Array &&
    high instanceof Float32Array &&
    total.length === clusters &&
    mean.length === clusters * (d + dv) &&
    spread.length === clusters * spreadSize(d, dv) &&
    low.length === clusters * dv &&
    high.length === clusters * dv &&
    total.every((weight) => weight >= 0 && weight < Infinity) &&
    mean.every(Number.isFinite) &&
    spread.every(Number.isFinite)
  if (!fits) throw new RangeError(`${KIND}: the tensors of the snapshot do not fit its parameters`)
  return Array.from(total, (weight, c) => {
    const one = {
      weight,
      mean: mean.slice(c * (d + dv), (c + 1) * (d + dv)),
      spread: spread.slice(c * spreadSize(d, dv), (c + 1) * spreadSize(d, dv)),
      low: low.slice(c * dv, (c + 1) * dv),
      high: high.slice(c * dv, (c + 1) * dv),
    }
    if (weight > 0) {
      checkValues(KIND, 'low', { rows: 1, cols: dv, data: one.low })
      checkValues(KIND, 'high', { rows: 1, cols: dv, data: one.high })
    }
    return one
  })
}
