import {
  checkInteger,
  checkScale,
  rowsOf,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type Shape,
} from '@sublinear/core'
import { kernels, type Resident } from '@sublinear/kernels'

/** What is allocated at first; then it doubles, so that what is held depends on the number of tokens alone. */
const LEAST = 64

export interface HeldTokensOptions extends Shape {
  /** The most tokens that will be held at once. */
  readonly most: number
}

/** Tokens in slots 0 … count − 1. Nothing is checked: blocks are the caller's, checked before. */
export interface HeldTokens extends Disposable {
  readonly count: number
  readonly bytes: number
  /** count × d, in the kernels' memory; another array after the store has grown. */
  readonly keys: Resident<Float32Array>
  /** count × dv. */
  readonly values: Resident<Float32Array>
  /** Weights of the slots, where any differs from 1. */
  readonly weights: Float32Array | undefined
  /** Puts rows from … from + rows − 1 of the block into the slots at …, over what is there or right behind it. */
  write(block: KvBlock, from: number, rows: number, at: number): void
  /** Gives the slots at … other weights. */
  weigh(at: number, weights: Float32Array): void
  /** A copy of the slots from … from + rows − 1; weights only where one of them differs from 1. */
  read(from?: number, rows?: number): KvBlock
  clear(): void
  /** Continues a partial softmax in place over all slots; with causal, row i sees the first visible + ⌊i / groups⌋. */
  attend(queries: Matrix, partial: PartialSoftmax, causal?: { readonly visible: number; readonly groups: number }): void
}

/**
 * Tokens that are held and answered exactly: what bounded streams keep their buffers, windows and chosen tokens in.
 * Source: not from the papers; the `attend` kernel over a resident array.
 *
 * @param d, dv, scale  the shape; most  the most tokens held at once
 * @throws TypeError, RangeError when a size is no integer ≥ 1 or scale not finite
 * Guarantee: answers equal exactAttention over the slots, to rounding; sums are taken in the order of the slots.
 * Cost: 4·(d + dv + 1) bytes a slot, 4 more while any weight differs from 1; slots double from 64 up to `most`.
 *   2·(d + dv) operations a query and slot.
 */
export function heldTokens({ d, dv, scale, most }: HeldTokensOptions): HeldTokens {
  checkInteger('heldTokens', 'd', d, 1)
  checkInteger('heldTokens', 'dv', dv, 1)
  checkScale('heldTokens', scale)
  checkInteger('heldTokens', 'most', most, 1)
  let capacity = 0 // until the first token comes: a snapshot without tokens can name any width
  let keys = kernels().floats(0)
  let values = kernels().floats(0)
  let weights = new Float32Array(0)
  let bias: Resident<Float32Array> | undefined // log weights, while any weight is not 1
  let others = 0 // slots whose weight is not 1
  let count = 0

  const grow = (needed: number) => {
    if (needed <= capacity) return
    const room = Math.min(most, LEAST * 2 ** Math.ceil(Math.log2(Math.max(1, needed / LEAST))))
    keys = moved(keys, count * d, room * d)
    values = moved(values, count * dv, room * dv)
    if (bias) bias = moved(bias, count, room)
    const wider = new Float32Array(room).fill(1)
    wider.set(weights.subarray(0, count))
    weights = wider
    capacity = room
  }

  const weigh = (at: number, rows: number, given: Float32Array | undefined) => {
    for (let i = at; i < at + rows; i++) if (weights[i] !== 1) others--
    if (given) weights.set(given, at)
    else weights.fill(1, at, at + rows)
    for (let i = at; i < at + rows; i++) if (weights[i] !== 1) others++
    settleBias()
    bias?.write(weights.subarray(at, at + rows).map(Math.log), at)
  }

  /** Log weights exist while any weight is not 1, and are then complete. */
  const settleBias = () => {
    if (others > 0 && !bias) {
      bias = kernels().floats(capacity)
      bias.write(weights.map(Math.log))
    } else if (others === 0 && bias) {
      bias[Symbol.dispose]()
      bias = undefined
    }
  }

  return {
    get count() {
      return count
    },
    get bytes() {
      return 4 * Math.max(capacity, Math.min(LEAST, most)) * (d + dv + 1 + (others > 0 ? 1 : 0))
    },
    get keys() {
      return keys
    },
    get values() {
      return values
    },
    get weights() {
      return others > 0 ? weights.subarray(0, count) : undefined
    },
    write(block, from, rows, at) {
      if (rows === 0) return
      grow(at + rows)
      keys.write(rowsOf(block.keys, from, from + rows).data, at * d)
      values.write(rowsOf(block.values, from, from + rows).data, at * dv)
      if (block.weights || others > 0) weigh(at, rows, block.weights?.subarray(from, from + rows))
      count = Math.max(count, at + rows)
    },
    weigh: (at, given) => weigh(at, given.length, given),
    read(from = 0, rows = count - from) {
      const own = weights.slice(from, from + rows)
      return {
        keys: { rows, cols: d, data: keys.range(from * d, rows * d).read() },
        values: { rows, cols: dv, data: values.range(from * dv, rows * dv).read() },
        ...(others > 0 && own.some((w) => w !== 1) && { weights: own }),
      }
    },
    clear() {
      weights.fill(1)
      others = 0
      count = 0
      settleBias()
    },
    attend(queries, { max, mass, sum }, causal) {
      if (count === 0) return
      kernels().attend({
        queries: queries.data,
        keys,
        values,
        ...(bias && { bias }),
        rows: queries.rows,
        keyCount: count,
        d,
        dv,
        scale,
        ...(causal && { causal }),
        max,
        mass,
        sum: sum.data,
      })
    },
    [Symbol.dispose]() {
      for (const array of [keys, values, bias]) array?.[Symbol.dispose]()
    },
  }
}

/** The first `used` numbers in an array of `room`; the old array is given back. */
function moved(array: Resident<Float32Array>, used: number, room: number): Resident<Float32Array> {
  const wider = kernels().floats(room)
  wider.write(array.range(0, used).read())
  array[Symbol.dispose]()
  return wider
}
