import { isHeld, reserveMemory, rowsOf, type KvBlock, readAnew } from '@sublinear/core'
import { addPartial } from '@sublinear/exact-attention'
import { kernels, type PackedRows, type Resident, codeKernels } from '@sublinear/kernels'
import { backFromCentre, decoded, scratchPartial, shiftOf, turned } from './centred-rows'
import { weightsIn } from './saved-tokens'
import { shortWeights } from './short-weights'
import { slotWeights } from './slot-weights'
import type { Centres, TokenCoder } from './token-coder'
import type { HeldTokens, HeldTokensOptions } from './token-store'
import { MOST_KEY, MOST_VALUE } from './entry-bounds'

const made = readAnew<HeldTokens, 'count' | 'bytes' | 'weights'>()

/** Tokens of the smallest room, of which every room is a multiple. */
const BLOCK = 64
export const NO_BARS = 'rounding to few bits has an error that the codes do not tell: give quantised a dither'

export interface CodedTokensOptions extends HeldTokensOptions {
  readonly spec: string
  readonly coder: TokenCoder
  readonly centres: Centres
}

/** The room for so many tokens, in slots. It grows from 64 slots on by an eighth, in whole blocks, so that it depends on the number of tokens alone. */
export function roomFor(tokens: number, most: number): number {
  let room = BLOCK
  while (room < tokens) room += BLOCK * Math.ceil(room / (8 * BLOCK))
  return Math.min(room, most)
}

/** Bytes held for so many tokens, at most `most` of them. */
export function codedBytes(
  { d, dv, most, shortWeights = false }: HeldTokensOptions,
  { bytes }: Pick<TokenCoder, 'bytes'>,
  tokens: number,
  weighted: boolean,
): number {
  const weight = shortWeights ? 2 : 8
  return (bytes + (weighted ? weight : 0)) * roomFor(tokens, most) + 4 * (d + dv)
}

/**
 * Tokens stored as codes: centre subtracted, rotated, quantised.
 *
 * Queries are turned and not keys, and sums are turned back once. q·k = q·centre + (turned q)·(turned rest), so the centre of the keys only moves the
 * maximum of a query's softmax; the centre of the values is added to its sum, times its mass.
 */
export function codedTokens({ spec, coder, centres, ...options }: CodedTokensOptions, like?: CodedLike): HeldTokens {
  const { d, dv, scale, most } = options
  const { keyCentre, valueCentre } = centres
  const stride = coder.bytes
  const short = options.shortWeights ? shortWeights() : undefined
  const weights = short ?? slotWeights()
  let room = 0
  let rows = nothing() // room × stride
  let count = 0

  const resize = (to: number) => {
    const wanted = roomFor(to, most)
    if (wanted === room) return
    const used = Math.min(count, to)
    const other = kernels().bytes(wanted * stride)
    if (used > 0) other.write(rows.range(0, used * stride))
    if (rows !== none) rows[Symbol.dispose]()
    rows = other
    weights.resize(used, wanted)
    room = wanted
  }

  if (like && like.count > 0) {
    resize(like.count)
    rows.write(like.rows.range(0, like.count * stride))
    if (like.weights) weights.write(like.weights, like.count, 0, room)
    count = like.count
  }

  const codedAt = (own: typeof rows): Coded => ({
    keys: { codes: own, offset: 0, stride, bits: coder.keys.bits },
    values: { codes: own, offset: coder.keys.bytes, stride, bits: coder.values.bits },
  })
  const encode = (block: KvBlock, from: number, added: number, { keys, values }: Coded, at: number) => {
    const [ownKeys, ownValues] = [block.keys, block.values].map((rows) => rowsOf(rows, from, from + added).data)
    coder.keys.encode(ownKeys, keys, at, added, keyCentre, coder.turnKeys)
    coder.values.encode(ownValues, values, at, added, valueCentre, coder.turnValues)
  }
  const decode = ({ keys, values }: Coded, from: number, some: number) => ({
    keys: decoded(keys, coder.turnKeys, keyCentre, MOST_KEY, from, some),
    values: decoded(values, coder.turnValues, valueCentre, MOST_VALUE, from, some),
  })
  /** Decodes rows of an array one after the other, by way of an array of their own. */
  const gathered = (from: typeof rows, picked: readonly number[]) => {
    const own = kernels().bytes(picked.length * stride)
    own.copyRows(from, stride, picked)
    const block = decode(codedAt(own), 0, picked.length)
    own[Symbol.dispose]()
    return block
  }

  /** Squared distances of coded keys from a point, all in turned coordinates. */
  const distancesOf = (packed: PackedRows, point: Float64Array, from: number, some: number): Float64Array => {
    const shift = Float64Array.from(point, (x, c) => x - keyCentre[c])
    coder.turnKeys.turn(shift)
    const out = new Float64Array(some)
    codeKernels().codeDistances(out, packed, from, some, d, Float32Array.from(shift))
    return out
  }

  const truncate = (to: number) => {
    weights.drop(to, count)
    resize(to)
    count = to
  }

  const self: HeldTokens = made(
    {
      count: () => count,
      bytes: () => stride * room + 4 * (d + dv) + weights.bytes,
      weights: () => weights.all?.subarray(0, count),
    },
    {
      spec,
      noBars: NO_BARS,
      write(block, from, added, at) {
        if (added === 0) return
        if (at + added > count) resize(at + added)
        encode(block, from, added, codedAt(rows), at)
        weights.write(block.weights?.subarray(from, from + added), added, at, room)
        count = Math.max(count, at + added)
      },
      weigh: (at, given) => weights.write(given, given.length, at, room),
      read(from = 0, some = count - from) {
        const own = weights.all?.slice(from, from + some)
        return { ...decode(codedAt(rows), from, some), ...(own?.some((w) => w !== 1) && { weights: own }) }
      },
      readInto(keys, values, at, slot) {
        const own = self.read(slot, 1)
        keys.data.set(own.keys.data, at * d)
        values.data.set(own.values.data, at * dv)
      },
      readKeys: (from = 0, some = count - from) =>
        decoded(codedAt(rows).keys, coder.turnKeys, keyCentre, MOST_KEY, from, some),
      readAt(slots) {
        const { all } = weights
        return { ...gathered(rows, slots), ...(all && { weights: Float32Array.from(slots, (slot) => all[slot]) }) }
      },
      staged(block, from, some) {
        const own = kernels().bytes(some * stride)
        encode(block, from, some, codedAt(own), 0)
        const weightOf = (row: number) => block.weights![from + row]
        return {
          distances: (point) => distancesOf(codedAt(own).keys, point, 0, some),
          read: (picked) => ({
            ...gathered(own, picked),
            ...(block.weights && { weights: Float32Array.from(picked, weightOf) }),
          }),
          put(picked, slots) {
            rows.copyRows(own, stride, picked, slots)
            if (!block.weights && !weights.all) return
            for (const [i, row] of picked.entries())
              weights.write(block.weights && Float32Array.of(weightOf(row)), 1, slots[i], room)
          },
          [Symbol.dispose]: () => own[Symbol.dispose](),
        }
      },
      distances: (point, from = 0, some = count - from) => distancesOf(codedAt(rows).keys, point, from, some),
      reserve(tokens) {
        if (tokens > room) reserveMemory(roomFor(tokens, most) * stride)
      },
      truncate,
      clear: () => truncate(0),
      attend(queries, partial, causal) {
        if (count === 0) return
        const own = scratchPartial(queries.rows, dv)
        codeKernels().attendCodes({
          ...codedAt(rows),
          queries: turned(queries, coder.turnKeys),
          bias: weights.bias,
          rows: queries.rows,
          keyCount: count,
          d,
          dv,
          scale,
          causal,
          max: own.max,
          mass: own.mass,
          sum: own.sum.data,
        })
        backFromCentre(own, queries, centres, scale, coder.turnValues)
        addPartial(partial, own)
      },
      addShares(out, queries, { max, mass }, causal) {
        if (count === 0) return
        codeKernels().addShares(out, {
          keys: codedAt(rows).keys,
          queries: turned(queries, coder.turnKeys),
          max: max.map((level, r) => level - shiftOf(queries, r, keyCentre, scale)),
          mass,
          bias: weights.bias,
          rows: queries.rows,
          d,
          cols: count,
          scale,
          causal,
        })
      },
      copy: () => codedTokens({ spec, coder, centres, ...options }, { rows, count, weights: self.weights }),
      saved: () => ({
        codes: { dtype: 'U8', shape: [count, stride], data: [rows.range(0, count * stride)] },
        keyCentre: { dtype: 'F32', shape: [d], data: keyCentre },
        valueCentre: { dtype: 'F32', shape: [dv], data: valueCentre },
        ...(short?.codes && { weights: { dtype: 'U16' as const, shape: [count], data: short.codes.slice(0, count) } }),
        ...(!short &&
          weights.all && { weights: { dtype: 'F32' as const, shape: [count], data: weights.all.slice(0, count) } }),
      }),
      restore(kind, snapshot) {
        const codes = snapshot.tensors.get('codes')
        const [held] = codes && isHeld(codes) ? (codes.data as readonly [typeof rows]) : []
        const data = held ?? coder.rowsIn(kind, snapshot, most)
        const tokens = data.length / stride
        const given = weightsIn(kind, snapshot, tokens)
        if (tokens === 0) return
        resize(tokens)
        rows.write(data)
        weights.write(given, tokens, 0, room)
        count = tokens
      },
      [Symbol.dispose]() {
        if (rows !== none) rows[Symbol.dispose]()
        weights[Symbol.dispose]()
      },
    },
  )
  return self
}

/** The rows of a store whose tokens are copied. */
interface CodedLike extends Pick<HeldTokens, 'count' | 'weights'> {
  readonly rows: Resident<Uint8Array>
}

let none: Resident<Uint8Array> | undefined

/** The array of every store without tokens. */
const nothing = () => (none ??= kernels().bytes(0))

/** Keys and values of one array of rows. */
interface Coded {
  readonly keys: PackedRows
  readonly values: PackedRows
}
