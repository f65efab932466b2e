import {
  checkInteger,
  checkObject,
  checkScale,
  pickedRows,
  piecesOf,
  reserveMemory,
  rowsOf,
  tokensOf,
  readAnew,
} from '@sublinear/core'
import { shapedAttend } from '@sublinear/exact-attention'
import { attentionKernels, kernels, scratch, type Resident } from '@sublinear/kernels'
import { forgetScores, keptScores, placeForScores } from './kept-scores'
import { tokensIn, weightsIn } from './saved-tokens'
import { slotWeights } from './slot-weights'
import type { HeldTokens, HeldTokensOptions, TokenStore } from './token-store'

const made = readAnew<ResidentTokens, 'count' | 'bytes' | 'keys' | 'values' | 'weights'>()

/** Slots that are allocated at first; then their number doubles, so that the bytes held depend on the number of tokens alone. */
const LEAST = 64
const SPEC = JSON.stringify({ kind: 'float32' })
/** Keys whose distances are computed at a time. */
const BLOCK = 64
const keyScratch = scratch(Float32Array)

/** The number of slots once there have been so many tokens. */
const roomFor = (tokens: number, most: number) =>
  Math.min(most, LEAST * 2 ** Math.ceil(Math.log2(Math.max(1, tokens / LEAST))))

/** The store that holds tokens as they came. */
export const float32: TokenStore = {
  spec: SPEC,
  steady: true,
  make: heldTokens,
  bytes({ d, dv, most }, tokens, weighted) {
    const room = roomFor(Math.min(tokens, most), most)
    return 4 * room * (d + dv) + (weighted && tokens > 0 ? 8 * room : 0)
  },
}

/** Tokens as they came, in arrays of the kernels. */
export interface ResidentTokens extends HeldTokens {
  /** Keys, count × d; another array after the store has grown. */
  readonly keys: Resident<Float32Array>
  /** Values, count × dv. */
  readonly values: Resident<Float32Array>
  copy(): ResidentTokens
}

/**
 * Makes a store of tokens that are held and answered exactly, for the buffers, windows and chosen tokens of bounded streams.
 * Source: not from the papers; the `attend` kernel over a resident array.
 *
 * Guarantee: answers equal exactAttention over the slots, to rounding; sums are taken in the order of the slots.
 * Cost: 4·(d + dv) bytes a slot, 8 more while any weight differs from 1; slots double from 64 up to `most`.
 *   2·(d + dv) operations a query and slot.
 *
 * @param d, dv, scale  the shape; softcap  the only feature of a shape that matters here; most  the most tokens held at once; like  a store of these options,
 *   whose tokens are copied
 * @throws TypeError, RangeError when a size is no integer ≥ 1 or scale not finite
 */
export function heldTokens(options: HeldTokensOptions, like?: ResidentTokens): ResidentTokens {
  const { d, dv, scale, most, softcap } = checkObject('heldTokens', options)
  checkInteger('heldTokens', 'd', d, 1)
  checkInteger('heldTokens', 'dv', dv, 1)
  checkScale('heldTokens', scale)
  checkInteger('heldTokens', 'most', most, 1)
  let capacity = 0 // allocated with the first token: a snapshot without tokens can name any width
  let [keys, values] = [nothing(), nothing()]
  const weights = slotWeights()
  let count = 0
  const mark = {} // by which its kept scores are known

  const grow = (needed: number) => {
    if (needed <= capacity) return
    const room = roomFor(needed, most)
    keys = moved(keys, count * d, room * d)
    values = moved(values, count * dv, room * dv)
    weights.resize(count, room)
    capacity = room
  }

  if (like && like.count > 0) {
    grow(like.count)
    keys.write(like.keys.range(0, like.count * d))
    values.write(like.values.range(0, like.count * dv))
    if (like.weights) weights.write(like.weights, like.count, 0, capacity)
    count = like.count
  }

  const truncate = (to: number) => {
    forgetScores(mark)
    weights.drop(to, count)
    count = to
  }

  const self: ResidentTokens = made(
    {
      count: () => count,
      bytes: () => 4 * Math.max(capacity, Math.min(LEAST, most)) * (d + dv) + weights.bytes,
      keys: () => keys,
      values: () => values,
      weights: () => weights.all?.subarray(0, count),
    },
    {
      spec: SPEC,
      write(block, from, rows, at) {
        if (rows === 0) return
        forgetScores(mark)
        grow(at + rows)
        keys.write(rowsOf(block.keys, from, from + rows).data, at * d)
        values.write(rowsOf(block.values, from, from + rows).data, at * dv)
        weights.write(block.weights?.subarray(from, from + rows), rows, at, capacity)
        count = Math.max(count, at + rows)
      },
      weigh(at, given) {
        forgetScores(mark)
        weights.write(given, given.length, at, capacity)
      },
      read(from = 0, rows = count - from) {
        const own = weights.all?.slice(from, from + rows)
        return {
          keys: self.readKeys(from, rows),
          values: { rows, cols: dv, data: values.range(from * dv, rows * dv).read() },
          ...(own?.some((w) => w !== 1) && { weights: own }),
        }
      },
      readAt(slots) {
        const block = {
          keys: { rows: slots.length, cols: d, data: new Float32Array(slots.length * d) },
          values: { rows: slots.length, cols: dv, data: new Float32Array(slots.length * dv) },
          ...(weights.all && { weights: Float32Array.from(slots, (slot) => weights.all![slot]) }),
        }
        for (const [at, slot] of slots.entries()) self.readInto(block.keys, block.values, at, slot)
        return block
      },
      staged(block, from, rows) {
        const own = tokensOf(block, from, from + rows)
        return {
          distances(point) {
            const out = new Float64Array(rows)
            squaredDistances(own.keys.data, point, out)
            return out
          },
          read: (picked) => ({
            keys: pickedRows(own.keys, picked),
            values: pickedRows(own.values, picked),
            ...(own.weights && { weights: Float32Array.from(picked, (row) => own.weights![row]) }),
          }),
          put(picked, slots) {
            for (const [i, row] of picked.entries()) self.write(own, row, 1, slots[i])
          },
          [Symbol.dispose]() {},
        }
      },
      readKeys: (from = 0, rows = count - from) => ({ rows, cols: d, data: keys.range(from * d, rows * d).read() }),
      readInto(keyRows, valueRows, at, slot) {
        keys.range(slot * d, d).readInto(keyRows.data.subarray(at * d, (at + 1) * d))
        values.range(slot * dv, dv).readInto(valueRows.data.subarray(at * dv, (at + 1) * dv))
      },
      distances(point, from = 0, rows = count - from) {
        const out = new Float64Array(rows)
        for (let first = 0; first < rows; first += BLOCK) {
          const here = Math.min(BLOCK, rows - first)
          const some = keyScratch(here * d)
          keys.range((from + first) * d, here * d).readInto(some)
          squaredDistances(some, point, out.subarray(first, first + here))
        }
        return out
      },
      reserve(tokens) {
        if (tokens > capacity) reserveMemory(4 * roomFor(tokens, most) * (d + dv))
      },
      truncate,
      clear: () => truncate(0),
      attend(queries, partial, causal, inOrder = false, observed = false) {
        if (count === 0) return
        if (softcap !== undefined) {
          const end = (row: number) => (causal ? causal.visible + Math.floor(row / causal.groups) : count)
          const all = { keys, values, count, ...(weights.bias && { bias: weights.bias }) }
          const sight = { from: () => 0, end, place: end }
          return shapedAttend({ d, dv, scale, softcap }, queries.data, all, sight, partial)
        }
        const { max, mass, sum } = partial
        const place =
          observed && inOrder && !causal ? placeForScores(mark, queries.data, queries.rows, count) : undefined
        attentionKernels().attend({
          queries: queries.data,
          keys,
          values,
          bias: weights.bias,
          rows: queries.rows,
          keyCount: count,
          d,
          dv,
          scale,
          causal,
          inOrder,
          scores: place?.scores,
          scoreRow: place?.scoreRow,
          max,
          mass,
          sum: sum.data,
        })
      },
      addShares(out, queries, { max, mass }, causal) {
        const kept = causal ? undefined : keptScores(mark, queries.data, queries.rows, count)
        attentionKernels().addShares(out, {
          queries: queries.data,
          keys,
          max,
          mass,
          bias: weights.bias,
          scores: kept?.scores,
          scoreRow: kept?.scoreRow,
          rows: queries.rows,
          d,
          cols: count,
          scale,
          causal,
        })
      },
      copy: () => heldTokens({ d, dv, scale, most, softcap }, self),
      saved: () => ({
        keys: { dtype: 'F32', shape: [count, d], data: [keys.range(0, count * d)] },
        values: { dtype: 'F32', shape: [count, dv], data: [values.range(0, count * dv)] },
        ...(weights.all && { weights: { dtype: 'F32' as const, shape: [count], data: weights.all.slice(0, count) } }),
      }),
      restore(kind, state) {
        const [heldKeys, heldValues] = ['keys', 'values'].map((name) => piecesOf(state.tensors.get(name))?.[0])
        if (!heldKeys || !heldValues) {
          const block = tokensIn(kind, state, { d, dv, most })
          return self.write(block, 0, block.keys.rows, 0)
        }
        const rows = heldKeys.length / d
        if (rows === 0) return
        grow(rows)
        forgetScores(mark)
        keys.write(heldKeys)
        values.write(heldValues)
        weights.write(weightsIn(kind, state, rows), rows, 0, capacity)
        count = rows
      },
      [Symbol.dispose]() {
        for (const part of [keys, values]) if (part !== none) part[Symbol.dispose]()
        weights[Symbol.dispose]()
      },
    },
  )
  return self
}

let none: Resident<Float32Array> | undefined

/** The array of every store without tokens. */
const nothing = () => (none ??= kernels().floats(0))

/** Moves the first `used` numbers to an array of `room`; the old array is given back. */
function moved(array: Resident<Float32Array>, used: number, room: number): Resident<Float32Array> {
  const wider = kernels().floats(room)
  if (used > 0) wider.write(array.range(0, used))
  if (array !== none) array[Symbol.dispose]()
  return wider
}

/** Writes the squared distances of rows of keys from a point, as many as `out` has entries. */
function squaredDistances(keys: Float32Array, point: Float64Array, out: Float64Array): void {
  for (let r = 0, at = 0; r < out.length; r++) {
    let total = 0
    for (let c = 0; c < point.length; c++, at++) {
      const gap = keys[at] - point[c]
      total += gap * gap
    }
    out[r] = total
  }
}
