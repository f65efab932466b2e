import { emptyPartial, pickedRows, reserveMemory, type KvBlock } from '@sublinear/core'
import { addPartial } from '@sublinear/exact-attention'
import { kernels, type PackedRows, type Resident } from '@sublinear/kernels'
import { backFromCentre, decoded, restOf, turned } from './centred-rows'
import { weightsIn } from './saved-tokens'
import { slotWeights } from './slot-weights'
import type { Centres, TokenCoder } from './token-coder'
import type { HeldTokens, HeldTokensOptions } from './token-store'

/** Rows that are unpacked at a time, and the least room. */
const BLOCK = 64
/** Entries that push accepts: tokens that leave are pushed on. */
const MOST_KEY = 2 ** 50
const MOST_VALUE = 2 ** 64

export interface CodedTokensOptions extends HeldTokensOptions {
  readonly spec: string
  readonly coder: TokenCoder
  readonly centres: Centres
}

/** From 64 slots on by an eighth, in whole blocks: it depends on the number of tokens alone. */
function roomFor(tokens: number, most: number): number {
  let room = BLOCK
  while (room < tokens) room += BLOCK * Math.ceil(room / (8 * BLOCK))
  return Math.min(room, most)
}

/** Bytes held for so many tokens, at most `most` of them. */
export function codedBytes(
  { d, dv, most }: HeldTokensOptions,
  { bytes }: Pick<TokenCoder, 'bytes'>,
  tokens: number,
  weighted: boolean,
): number {
  return (bytes + (weighted ? 8 : 0)) * roomFor(tokens, most) + 4 * (d + dv)
}

/**
 * Tokens stored as codes: centre subtracted, rotated, quantised.
 *
 * Queries are turned instead of keys, sums turned back once. q·k = q·centre + (turned q)·(turned rest), so the centre moves the maximum
 * of a query's softmax, and that of the values is added to its sum, times its mass.
 */
export function codedTokens({ spec, coder, centres, ...options }: CodedTokensOptions): HeldTokens {
  const { d, dv, scale, most } = options
  const { keyCentre, valueCentre } = centres
  const stride = coder.bytes
  const weights = slotWeights()
  let room = 0
  let rows = kernels().bytes(0) // room × stride
  let count = 0

  const resize = (to: number) => {
    const wanted = roomFor(to, most)
    if (wanted === room) return
    const used = Math.min(count, to)
    const other = kernels().bytes(wanted * stride)
    other.write(rows.range(0, used * stride).read())
    rows[Symbol.dispose]()
    rows = other
    weights.resize(used, wanted)
    room = wanted
  }

  const packedKeys = (): PackedRows => ({ codes: rows, offset: 0, stride, bits: coder.keys.bits })
  const packedValues = (): PackedRows => ({ codes: rows, offset: coder.keys.bytes, stride, bits: coder.values.bits })

  /** Rows of a block in codes, in memory of their own: `use` reads them there. */
  const encoded = <T>(block: KvBlock, from: number, added: number, use: (codes: Coded) => T): T => {
    const own = kernels().bytes(added * stride)
    const codes = codedAt(own)
    coder.keys.encode(restOf(block.keys, from, added, keyCentre, coder.turnKeys), codes.keys, 0, added)
    coder.values.encode(restOf(block.values, from, added, valueCentre, coder.turnValues), codes.values, 0, added)
    const result = use(codes)
    own[Symbol.dispose]()
    return result
  }
  const codedAt = (own: typeof rows): Coded => ({
    all: own,
    keys: { codes: own, offset: 0, stride, bits: coder.keys.bits },
    values: { codes: own, offset: coder.keys.bytes, stride, bits: coder.values.bits },
  })
  const decodedAll = ({ keys, values }: Coded, some: number) => ({
    keys: decoded(keys, coder.turnKeys, keyCentre, MOST_KEY, 0, some),
    values: decoded(values, coder.turnValues, valueCentre, MOST_VALUE, 0, some),
  })

  /** Squared distances of coded keys from a point, all in turned coordinates. */
  const distancesOf = (packed: PackedRows, point: Float64Array, from: number, some: number): Float64Array => {
    const shift = Float64Array.from(point, (x, c) => keyCentre[c] - x)
    coder.turnKeys.turn(shift)
    const out = new Float64Array(some)
    const keys = new Float32Array(Math.min(some, BLOCK) * d)
    for (let first = 0; first < some; first += BLOCK) {
      const here = Math.min(BLOCK, some - first)
      kernels().unpack(keys, packed, from + first, here, d)
      for (let r = 0, at = 0; r < here; r++) {
        let total = 0
        for (let c = 0; c < d; c++, at++) {
          const gap = keys[at] + shift[c]
          total += gap * gap
        }
        out[first + r] = total
      }
    }
    return out
  }

  const truncate = (to: number) => {
    weights.drop(to, count)
    resize(to)
    count = to
  }

  const self: HeldTokens = {
    spec,
    get count() {
      return count
    },
    get bytes() {
      return stride * room + 4 * (d + dv) + weights.bytes
    },
    get weights() {
      return weights.all?.subarray(0, count)
    },
    write(block, from, added, at) {
      if (added === 0) return
      if (at + added > count) resize(at + added)
      for (let r = 0; r < added; r += BLOCK) {
        const here = Math.min(BLOCK, added - r)
        const rest = restOf(block.keys, from + r, here, keyCentre, coder.turnKeys)
        coder.keys.encode(rest, packedKeys(), at + r, here)
        const valueRest = restOf(block.values, from + r, here, valueCentre, coder.turnValues)
        coder.values.encode(valueRest, packedValues(), at + r, here)
      }
      weights.write(block.weights?.subarray(from, from + added), added, at, room)
      count = Math.max(count, at + added)
    },
    weigh: (at, given) => weights.write(given, given.length, at, room),
    read(from = 0, some = count - from) {
      const own = weights.all?.slice(from, from + some)
      return {
        keys: self.readKeys(from, some),
        values: decoded(packedValues(), coder.turnValues, valueCentre, MOST_VALUE, from, some),
        ...(own?.some((w) => w !== 1) && { weights: own }),
      }
    },
    readInto(keys, values, at, slot) {
      const own = self.read(slot, 1)
      keys.data.set(own.keys.data, at * d)
      values.data.set(own.values.data, at * dv)
    },
    readKeys: (from = 0, some = count - from) => decoded(packedKeys(), coder.turnKeys, keyCentre, MOST_KEY, from, some),
    readAt(slots) {
      const own = kernels().bytes(slots.length * stride)
      for (const [i, slot] of slots.entries()) own.write(rows.range(slot * stride, stride).read(), i * stride)
      const block = decodedAll(codedAt(own), slots.length)
      own[Symbol.dispose]()
      return { ...block, ...(weights.all && { weights: Float32Array.from(slots, (slot) => weights.all![slot]) }) }
    },
    writeAt(block, from, slots) {
      if (from.length === 0) return
      encoded(
        { keys: pickedRows(block.keys, from), values: pickedRows(block.values, from) },
        0,
        from.length,
        ({ all }) => {
          const codes = all.read()
          for (const [i, slot] of slots.entries())
            rows.write(codes.subarray(i * stride, (i + 1) * stride), slot * stride)
        },
      )
      for (const [i, slot] of slots.entries())
        weights.write(block.weights?.subarray(from[i], from[i] + 1), 1, slot, room)
    },
    rounded: (block, from, some, point) =>
      encoded(block, from, some, (codes) => ({
        block: {
          ...decodedAll(codes, some),
          ...(block.weights && { weights: block.weights.subarray(from, from + some) }),
        },
        distances: distancesOf(codes.keys, point, 0, some),
      })),
    distances: (point, from = 0, some = count - from) => distancesOf(packedKeys(), point, from, some),
    move(from, to) {
      rows.write(rows.range(from * stride, stride).read(), to * stride)
      weights.write(weights.all?.slice(from, from + 1), 1, to, room)
    },
    reserve(tokens) {
      if (tokens > room) reserveMemory(roomFor(tokens, most) * stride)
    },
    truncate,
    clear: () => truncate(0),
    attend(queries, partial, causal) {
      if (count === 0) return
      const own = emptyPartial(queries.rows, dv)
      kernels().attendCodes({
        queries: turned(queries, coder.turnKeys),
        keys: packedKeys(),
        values: packedValues(),
        ...(weights.bias && { bias: weights.bias }),
        rows: queries.rows,
        keyCount: count,
        d,
        dv,
        scale,
        ...(causal && { causal }),
        max: own.max,
        mass: own.mass,
        sum: own.sum.data,
      })
      backFromCentre(own, queries, centres, scale, coder.turnValues)
      addPartial(partial, own)
    },
    saved: () => ({
      codes: { dtype: 'U8', shape: [count, stride], data: rows.range(0, count * stride).read() },
      keyCentre: { dtype: 'F32', shape: [d], data: keyCentre.slice() },
      valueCentre: { dtype: 'F32', shape: [dv], data: valueCentre.slice() },
      ...(weights.all && { weights: { dtype: 'F32' as const, shape: [count], data: weights.all.slice(0, count) } }),
    }),
    restore(kind, snapshot) {
      const data = coder.rowsIn(kind, snapshot, most)
      const tokens = data.length / stride
      const given = weightsIn(kind, snapshot, tokens)
      if (tokens === 0) return
      resize(tokens)
      rows.write(data)
      weights.write(given, tokens, 0, room)
      count = tokens
    },
    [Symbol.dispose]() {
      rows[Symbol.dispose]()
      weights[Symbol.dispose]()
    },
  }
  return self
}

interface Coded {
  readonly all: Resident<Uint8Array>
  readonly keys: PackedRows
  readonly values: PackedRows
}
