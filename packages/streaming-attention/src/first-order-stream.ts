import {
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
  type Method,
  type Shape,
  type Snapshot,
  type State,
} from '@sublinear/core'
import { waitingBytes } from '@sublinear/token-store'
import { addFirstOrder, firstOrderAnswer, firstOrderOf, noFirstOrder, type FirstOrder } from './first-order-moments'
import { foldingStream, type FoldedState } from './folding-stream'
import { isReachable, isSpread, REACHABLE, SPREAD } from './reachable-moments'
import { bufferSchema, MOST_BUFFER } from './saved-buffer'

const KIND = 'firstOrder'
const VERSION = '1'
/** Tokens held exactly before they are folded. */
const TOKENS = 16

export interface FirstOrderStreamOptions extends Shape {
  /** Tokens held exactly before they are folded together. Default 16. */
  readonly buffer?: number | undefined
}

export interface FirstOrderStream extends AttentionStream, Disposable {
  readonly buffer: number
}

/**
 * Makes a first-order stream: softmax attention from the count, mean key and mean value of all tokens, and the covariance of values with keys. Answers have
 * mass N·e^{s⟨q,μ⟩} and value v̄ + s·Cq.
 * Source: MomentKV (Li, Li, Lan, arXiv 2606.01563, 2026), its summary of evicted tokens. Deviation: answers stay within the values seen in each column; without that
 *   limit, a sharp query may get an answer of any length. `closureStream` also has a mass of second order.
 *
 * Guarantee: right to first order in the query: for small queries the error falls as the square of their length. The mass is the lower bound of Jensen's
 *   inequality, never above the truth. Exact over the
 *   newest 1 to `buffer` tokens.
 * Cost: 4·d·dv + 8·(d + 2·dv) + 8 bytes and the buffer; 2·d·dv operations a token, and a query.
 *
 * @param d, dv, scale  widths of keys and values, factor inside exp
 * @param buffer  tokens held exactly before they are folded, 1 to 64; default 16
 * @throws TypeError, RangeError when a size is out of range or scale not finite
 * @example
 * const stream = firstOrderStream({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 328
 */
export function firstOrderStream(options: FirstOrderStreamOptions): FirstOrderStream {
  const { buffer = TOKENS, ...shape } = checkObject('firstOrderStream', options)
  return live(shape, buffer)
}

/** Restores a first-order stream from its snapshot; it goes on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreFirstOrderStream(bytes: Uint8Array): FirstOrderStream {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const shape = shapeIn(KIND, snapshot, FRAME_FEATURES)
  return live(shape, readBy(KIND, bufferSchema, snapshot).parameters.buffer, snapshot)
}

function live(shape: Shape, buffer: number, from?: Snapshot): FirstOrderStream {
  checkSizes(shape, buffer)
  const { d, dv, scale } = shape
  return foldingStream<FirstOrder, Pick<FirstOrderStream, 'buffer'>>(
    {
      kind: KIND,
      version: VERSION,
      d,
      dv,
      scale,
      ...headOf(shape),
      block: buffer,
      merging: 'linear',
      identity: { ...shapeParameters(shape), buffer: String(buffer) },
      begin: (from) => firstOrderState(shape, from ?? noFirstOrder(d, dv)),
      saved(state) {
        const { weight, mean, cross, low, high } = state.read()
        return {
          parameters: { weight: String(weight) },
          tensors: {
            mean: { dtype: 'F64', shape: [d + dv], data: mean },
            cross: { dtype: 'F32', shape: [d, dv], data: cross },
            low: { dtype: 'F32', shape: [dv], data: low },
            high: { dtype: 'F32', shape: [dv], data: high },
          },
        }
      },
      restored: (state) => momentsFrom(state, d, dv),
    },
    () => ({ buffer }),
    from,
  )
}

/** Bytes of the moments alone. */
const momentBytes = ({ d, dv }: Shape) => 4 * d * dv + 8 * (d + 2 * dv) + 8

export const firstOrderMethod: Method<Pick<FirstOrderStreamOptions, 'buffer'>> = {
  name: KIND,
  source: 'MomentKV (arXiv 2606.01563, 2026): its summary of evicted tokens',
  learns: 'nothing',
  can: FRAME_FEATURES,
  make: (shape, options) => firstOrderStream({ ...shape, ...options }),
  bytes: (shape, { buffer = TOKENS }, { weighted = false }) =>
    momentBytes(shape) + waitingBytes(shape, buffer, weighted),
  within(shape, budgetBytes, { weighted = false }) {
    const room = budgetBytes - momentBytes(shape)
    const buffer = [TOKENS, 8, 4, 2, 1].find((count) => waitingBytes(shape, count, weighted) <= room)
    return buffer === undefined ? undefined : { buffer }
  },
  open: restoreFirstOrderStream,
}

function firstOrderState(shape: Shape, total: FirstOrder): FoldedState<FirstOrder> {
  return {
    bytes: () => momentBytes(shape),
    fold: (held) => addFirstOrder(total, firstOrderOf(held.read())),
    answer(queries, max, mass, sum) {
      if (total.weight > 0) firstOrderAnswer(total, shape.scale, queries, { max, mass, sum })
    },
    add: (other) => addFirstOrder(total, other),
    read: () => ({
      weight: total.weight,
      mean: total.mean.slice(),
      cross: total.cross.slice(),
      low: total.low.slice(),
      high: total.high.slice(),
    }),
    [Symbol.dispose]() {},
  }
}

function checkSizes(shape: Shape, buffer: number): void {
  checkHead('firstOrderStream', shape, FRAME_FEATURES, ['buffer'])
  checkInteger('firstOrderStream', 'buffer', buffer, 1, MOST_BUFFER)
}

/** Schema of the snapshots of first-order streams, beside shape, buffer and waiting tokens. */
export const firstOrderSchema = schema(
  {
    kind: KIND,
    version: VERSION,
    parameters: { weight: NOT_NEGATIVE, tokens: COUNT },
    tensors: {
      mean: { type: 'F64', size: 'd + dv', ...FINITE },
      cross: { type: 'F32', size: 'd · dv', ...FINITE },
      low: { type: 'F32', size: 'dv', least: -Infinity, most: Infinity },
      high: { type: 'F32', size: 'dv', least: -Infinity, most: Infinity },
    },
  },
  {
    [REACHABLE]: ({ parameters: { weight, tokens }, tensors: { mean } }, { d }) =>
      isReachable({ weight, mean }, tokens, d),
    [SPREAD]: ({ parameters: { weight }, tensors: { mean, low, high } }, { d }) =>
      weight === 0 || isSpread(mean.subarray(d), { variances: [], low, high }),
  },
)

function momentsFrom(snapshot: State, d: number, dv: number): FirstOrder {
  const sizes = { d, dv, 'd + dv': d + dv, 'd · dv': d * dv }
  const { parameters, tensors } = readBy(KIND, firstOrderSchema, snapshot, sizes)
  const { mean, cross, low, high } = tensors
  return {
    weight: parameters.weight,
    mean: mean.slice(),
    cross: cross.slice(),
    low: low.slice(),
    high: high.slice(),
  }
}
