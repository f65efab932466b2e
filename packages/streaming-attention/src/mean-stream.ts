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
  type KvBlock,
  type Matrix,
  type Method,
  type Shape,
  type Snapshot,
  type State,
} from '@sublinear/core'
import { waitingBytes } from '@sublinear/token-store'
import { foldingStream, type FoldedState } from './folding-stream'
import { bufferSchema, MOST_BUFFER } from './saved-buffer'
import { isReachable, REACHABLE } from './reachable-moments'

const KIND = 'mean'
const VERSION = '2'
/** Tokens held exactly before they are folded. */
const TOKENS = 16

export interface MeanStreamOptions extends Shape {
  /** Tokens held exactly before they are folded together. Default 16. */
  readonly buffer?: number | undefined
}

export interface MeanStream extends AttentionStream, Disposable {
  readonly buffer: number
}

/** Weight, mean key and mean value; normalised, so that nothing overflows. */
interface Mean {
  weight: number
  readonly mean: Float64Array // d + dv
}

/**
 * Makes a stream of one token that stands for all: the mean key and the mean value, with the tokens' total weight. It is the smallest last part
 * of tiers, and suits keys that lie close together, as behind `farKeys`.
 * Source: not from the papers; the closure of `closureStream` without its covariances.
 *
 * Guarantee: the mass is the lower bound of Jensen's inequality, never above the truth. Over folded tokens, the answer is the mean of the values, exact where
 *   all keys are equal; exact over the newest 1 to `buffer` tokens. A query of zeros is answered exactly.
 * Cost: 8·(d + dv) + 8 bytes and the buffer; d + dv operations a token, d + dv a query.
 *
 * @param d, dv, scale  widths of keys and values, factor inside exp
 * @param buffer  tokens held exactly before they are folded, 1 to 64; default 16
 * @throws TypeError, RangeError when a size is out of range or scale not finite
 * @example
 * const stream = meanStream({ d: 2, dv: 2, scale: 1 })
 * stream.push({ keys: matrix(100, 2), values: matrix(100, 2) })
 * console.log(stream.tokens, stream.bytes) // 100 296
 */
export function meanStream(options: MeanStreamOptions): MeanStream {
  const { buffer = TOKENS, ...shape } = checkObject('meanStream', options)
  return live(shape, buffer)
}

/** Restores a mean stream from its snapshot; it goes on bit for bit. @throws RangeError when the bytes are damaged or of another kind */
export function restoreMeanStream(bytes: Uint8Array): MeanStream {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const shape = shapeIn(KIND, snapshot, FRAME_FEATURES)
  return live(shape, readBy(KIND, bufferSchema, snapshot).parameters.buffer, snapshot)
}

function live(shape: Shape, buffer: number, from?: Snapshot): MeanStream {
  checkSizes(shape, buffer)
  const { d, dv, scale } = shape
  return foldingStream<Mean, Pick<MeanStream, 'buffer'>>(
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
      begin: (mean) => meanState(shape, mean ?? { weight: 0, mean: new Float64Array(d + dv) }),
      saved(state) {
        const { weight, mean } = state.read()
        return {
          parameters: { weight: String(weight) },
          tensors: { mean: { dtype: 'F64', shape: [d + dv], data: mean } },
        }
      },
      restored: (state) => meanFrom(state, d, dv),
    },
    () => ({ buffer }),
    from,
  )
}

/** Bytes of the mean alone. */
const meanBytes = ({ d, dv }: Shape) => 8 * (d + dv) + 8

export const meanMethod: Method<Pick<MeanStreamOptions, 'buffer'>> = {
  name: KIND,
  source: 'not from the papers',
  learns: 'nothing',
  can: FRAME_FEATURES,
  make: (shape, options) => meanStream({ ...shape, ...options }),
  bytes: (shape, { buffer = TOKENS }, { weighted = false }) => meanBytes(shape) + waitingBytes(shape, buffer, weighted),
  within(shape, budgetBytes, { weighted = false }) {
    const room = budgetBytes - meanBytes(shape)
    const buffer = [TOKENS, 8, 4, 2, 1].find((count) => waitingBytes(shape, count, weighted) <= room)
    return buffer === undefined ? undefined : { buffer }
  },
  open: restoreMeanStream,
}

function meanState({ d, dv, scale }: Shape, total: Mean): FoldedState<Mean> {
  const add = (other: Mean) => {
    if (other.weight === 0) return
    const weight = total.weight + other.weight
    const [{ mean }, share] = [total, other.weight / weight]
    for (let i = 0; i < mean.length; i++) mean[i] += share * (other.mean[i] - mean[i])
    total.weight = weight
  }
  return {
    bytes: () => meanBytes({ d, dv, scale }),
    fold: (held) => add(meanOf(held.read())),
    answer({ rows, data }, max, mass, sum) {
      if (total.weight === 0) return // the empty partial
      for (let r = 0; r < rows; r++) {
        let level = Math.log(total.weight)
        for (let i = 0; i < d; i++) level += scale * data[r * d + i] * total.mean[i]
        max[r] = level
        const rest = Math.exp(Math.min(1, Math.max(-1, level - max[r]))) // the part that float32 rounded off; beyond 2^24 it is more, and without meaning
        mass[r] = rest
        for (let c = 0; c < dv; c++) sum[r * dv + c] = rest * total.mean[d + c]
      }
    },
    add,
    read: () => ({ weight: total.weight, mean: total.mean.slice() }),
    [Symbol.dispose]() {},
  }
}

function meanOf({ keys, values, weights }: KvBlock): Mean {
  const [d, dv] = [keys.cols, values.cols]
  const mean = new Float64Array(d + dv)
  let weight = 0
  for (let r = 0; r < keys.rows; r++) {
    const own = weights ? weights[r] : 1
    weight += own
    addRow(mean, 0, own, keys, r)
    addRow(mean, d, own, values, r)
  }
  return { weight, mean: mean.map((x) => x / weight) }
}

/** Adds weight · row r to total[at …]. */
function addRow(total: Float64Array, at: number, weight: number, { cols, data }: Matrix, r: number): void {
  for (let i = r * cols, end = i + cols; i < end;) total[at++] += weight * data[i++]
}

function checkSizes(shape: Shape, buffer: number): void {
  checkHead('meanStream', shape, FRAME_FEATURES, ['buffer'])
  checkInteger('meanStream', 'buffer', buffer, 1, MOST_BUFFER)
}

/** Schema of the snapshots of mean streams, beside shape, buffer and waiting tokens. */
export const meanSchema = schema(
  {
    kind: KIND,
    version: VERSION,
    parameters: { weight: NOT_NEGATIVE, tokens: COUNT },
    tensors: { mean: { type: 'F64', size: 'd + dv', ...FINITE } },
  },
  {
    [REACHABLE]: ({ parameters: { weight, tokens }, tensors: { mean } }, { d }) =>
      isReachable({ weight, mean }, tokens, d),
  },
)

function meanFrom(snapshot: State, d: number, dv: number): Mean {
  const { parameters, tensors } = readBy(KIND, meanSchema, snapshot, { d, 'd + dv': d + dv })
  return { weight: parameters.weight, mean: tensors.mean.slice() }
}
