import {
  checkFits,
  isHeld,
  reserveMemory,
  seedWords,
  tensorsIn,
  type KvBlock,
  type Spread,
  readAnew,
  type State,
} from '@sublinear/core'
import { addPartial } from '@sublinear/exact-attention'
import { kernels } from '@sublinear/kernels'
import { backFromCentre, restOf, scratchPartial, shiftOf, turned } from './centred-rows'
import { roomFor } from './coded-tokens'
import { ditherCodec } from './dither-codec'
import { ditheredQuery } from './dither-bias'
import { widenByCodes, type ScoredBlock } from './dither-spread'
import { weightsIn } from './saved-tokens'
import { slotWeights } from './slot-weights'
import type { Centres, TokenCoder } from './token-coder'
import type { Causal, HeldTokens, HeldTokensOptions } from './token-store'
import { MOST_KEY, MOST_VALUE } from './entry-bounds'

const made = readAnew<HeldTokens, 'count' | 'bytes' | 'weights'>()

const BLOCK = 64
const [LARGEST_KEY, LARGEST_VALUE] = [2 ** 60, 2 ** 74]
/** Logarithm beyond which a relative variance counts as infinite. */
const MOST_LOG = 50

export interface DitheredTokensOptions extends HeldTokensOptions {
  readonly spec: string
  readonly keyBits: number
  readonly valueBits: number
  readonly dither: bigint
  readonly coder: Pick<TokenCoder, 'turnKeys' | 'turnValues'>
  readonly centres: Centres
}

/**
 * Tokens as codes with subtractive dither: centre subtracted, turned, coded. Numerator and mass of an answer are estimates without bias, whose variance
 * follows from the codes; docs/error-bars.md has the proof.
 */
export function ditheredTokens(options: DitheredTokensOptions, like?: State): HeldTokens {
  const { d, dv, scale, most, spec, coder, centres } = options
  const { keyCentre, valueCentre } = centres
  const codec = ditherCodec(options, seedWords(options.dither))
  const stride = codec.bytes
  const weights = slotWeights()
  let room = 0
  let rows = kernels().bytes(0) // room × stride
  let count = 0
  let next = 0 // number of the next token

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

  const encoded = (block: KvBlock, from: number, added: number): Uint8Array => {
    const out = new Uint8Array(added * stride)
    const keys = restOf(block.keys, from, added, keyCentre, coder.turnKeys).slice()
    const values = restOf(block.values, from, added, valueCentre, coder.turnValues)
    for (let r = 0; r < added; r++, next = (next + 1) >>> 0) codec.encode(keys, values, r, next, out, r * stride)
    return out
  }
  /** Decodes rows of bytes in turned coordinates, with half their steps. */
  const decoded = (bytes: Uint8Array, some = bytes.length / stride) => {
    const own = {
      keys: new Float64Array(some * d),
      values: new Float64Array(some * dv),
      halves: new Float64Array(2 * some),
    }
    for (let r = 0; r < some; r++) codec.decode(bytes, r * stride, r, own.keys, own.values, own.halves)
    return own
  }
  const blockOf = (bytes: Uint8Array): { keys: KvBlock['keys']; values: KvBlock['values'] } => {
    const own = decoded(bytes)
    coder.turnKeys.turnBack(own.keys)
    coder.turnValues.turnBack(own.values)
    return {
      keys: moved(own.keys, keyCentre, MOST_KEY),
      values: moved(own.values, valueCentre, MOST_VALUE),
    }
  }
  const bytesOf = (from: number, some: number) => rows.range(from * stride, some * stride).read()
  const distancesOf = (bytes: Uint8Array, point: Float64Array): Float64Array => {
    const shift = Float64Array.from(point, (x, c) => x - keyCentre[c])
    coder.turnKeys.turn(shift)
    const { keys } = decoded(bytes)
    return Float64Array.from({ length: bytes.length / stride }, (_, r) => {
      let total = 0
      for (let c = 0; c < d; c++) total += (keys[r * d + c] - shift[c]) ** 2
      return total
    })
  }

  /** Gives scores, without what the dither adds on average, block by block: `take` gets those of row r for the tokens from `first` on. */
  const eachBlock = (queries: KvBlock['keys'], seen: (row: number) => number, take: (block: ScoredBlock) => void) => {
    const scaled = Float64Array.from(turned(queries, coder.turnKeys), (x) => x * scale)
    const twice = scaled.map((x) => 2 * x)
    const biases = Array.from({ length: queries.rows }, (_, r) => ditheredQuery(scaled, r * d, d))
    const doubled = Array.from({ length: queries.rows }, (_, r) => ditheredQuery(twice, r * d, d))
    for (let first = 0; first < count; first += BLOCK) {
      const own = decoded(bytesOf(first, Math.min(BLOCK, count - first)))
      for (let r = 0; r < queries.rows; r++) {
        const some = Math.min(own.halves.length / 2, seen(r) - first)
        const logits = new Float64Array(Math.max(0, some))
        for (let t = 0; t < some; t++) {
          let score = -biases[r].logMean(own.halves[2 * t]) + (weights.all ? Math.log(weights.all[first + t]) : 0)
          for (let c = 0; c < d; c++) score += scaled[r * d + c] * own.keys[t * d + c]
          logits[t] = score
        }
        /** τ: the variance of a weight over the square of its mean. */
        const variance = (t: number) => {
          const half = own.halves[2 * t]
          return Math.expm1(Math.min(MOST_LOG, doubled[r].logMean(half) - 2 * biases[r].logMean(half)))
        }
        if (some > 0) take({ row: r, first, logits, variance, ...own })
      }
    }
  }

  const self: HeldTokens = made(
    {
      count: () => count,
      bytes: () => stride * room + 4 * (d + dv) + 8 + weights.bytes,
      weights: () => weights.all?.subarray(0, count),
    },
    {
      spec,
      write(block, from, added, at) {
        if (added === 0) return
        if (at + added > count) resize(at + added)
        rows.write(encoded(block, from, added), at * stride)
        weights.write(block.weights?.subarray(from, from + added), added, at, room)
        count = Math.max(count, at + added)
      },
      weigh: (at, given) => weights.write(given, given.length, at, room),
      read(from = 0, some = count - from) {
        const own = weights.all?.slice(from, from + some)
        return { ...blockOf(bytesOf(from, some)), ...(own?.some((w) => w !== 1) && { weights: own }) }
      },
      readInto(keys, values, at, slot) {
        const own = self.read(slot, 1)
        keys.data.set(own.keys.data, at * d)
        values.data.set(own.values.data, at * dv)
      },
      readKeys: (from = 0, some = count - from) => blockOf(bytesOf(from, some)).keys,
      readAt: (slots) => ({
        ...blockOf(pickedBytes(bytesOf(0, count), stride, slots)),
        ...(weights.all && { weights: Float32Array.from(slots, (slot) => weights.all![slot]) }),
      }),
      staged(block, from, some) {
        const own = encoded(block, from, some)
        const weightOf = (row: number) => block.weights![from + row]
        return {
          distances: (point) => distancesOf(own, point),
          read: (picked) => ({
            ...blockOf(pickedBytes(own, stride, picked)),
            ...(block.weights && { weights: Float32Array.from(picked, weightOf) }),
          }),
          put(picked, slots) {
            for (const [i, row] of picked.entries()) {
              rows.write(own.subarray(row * stride, (row + 1) * stride), slots[i] * stride)
              if (block.weights || weights.all)
                weights.write(block.weights && Float32Array.of(weightOf(row)), 1, slots[i], room)
            }
          },
          [Symbol.dispose]() {},
        }
      },
      distances: (point, from = 0, some = count - from) => distancesOf(bytesOf(from, some), point),
      reserve(tokens) {
        if (tokens > room) reserveMemory(roomFor(tokens, most) * stride)
      },
      truncate(to) {
        weights.drop(to, count)
        resize(to)
        count = to
      },
      clear: () => self.truncate(0),
      attend(queries, partial, causal) {
        if (count === 0) return
        const own = scratchPartial(queries.rows, dv)
        const sums = new Float64Array(queries.rows * dv)
        const top = new Float64Array(queries.rows).fill(-Infinity)
        const spread = partial.spread
        eachBlock(queries, seenBy(causal, count), (block) => {
          const { row, logits, values } = block
          const level = logits.reduce((a, b) => Math.max(a, b), top[row])
          const factor = top[row] === -Infinity ? 0 : Math.exp(top[row] - level)
          top[row] = level
          own.mass[row] *= factor
          for (let c = 0; c < dv; c++) sums[row * dv + c] *= factor
          for (const [t, logit] of logits.entries()) {
            const weight = Math.exp(logit - level)
            own.mass[row] += weight
            for (let c = 0; c < dv; c++) sums[row * dv + c] += weight * values[t * dv + c]
          }
        })
        for (let i = 0; i < sums.length; i++) own.sum.data[i] = sums[i]
        for (let r = 0; r < queries.rows; r++) {
          own.max[r] = top[r]
          const rest = Math.exp(Math.min(1, Math.max(-1, top[r] - own.max[r]))) // the part that float32 rounded off; beyond 2^24 it is more, and without meaning
          own.mass[r] *= rest
          for (let i = r * dv; i < (r + 1) * dv; i++) own.sum.data[i] = sums[i] * rest
        }
        backFromCentre(own, queries, centres, scale, coder.turnValues)
        if (spread) widen(spread, queries, causal)
        addPartial(partial, own)
      },
      addShares(out, queries, { max, mass }, causal) {
        const shifts = Array.from(max, (_, r) => shiftOf(queries, r, keyCentre, scale))
        eachBlock(queries, seenBy(causal, count), ({ row, first, logits }) => {
          if (!(mass[row] > 0)) return
          for (const [t, logit] of logits.entries())
            out[first + t] += Math.min(1, Math.exp(logit + shifts[row] - max[row]) / mass[row])
        })
      },
      copy() {
        const tensors = new Map(Object.entries(self.saved()))
        return ditheredTokens(options, { kind: spec, version: '', parameters: {}, tensors, isSound: true })
      },
      saved: () => ({
        codes: { dtype: 'U8', shape: [count, stride], data: [rows.range(0, count * stride)] },
        keyCentre: { dtype: 'F32', shape: [d], data: keyCentre },
        valueCentre: { dtype: 'F32', shape: [dv], data: valueCentre },
        next: { dtype: 'F64', shape: [1], data: Float64Array.of(next) },
        ...(weights.all && { weights: { dtype: 'F32' as const, shape: [count], data: weights.all.slice(0, count) } }),
      }),
      restore(kind, snapshot) {
        const codes = snapshot.tensors.get('codes')
        const [held] = codes && isHeld(codes) ? (codes.data as readonly [typeof rows]) : []
        const data = held ? held.read() : tensorsIn(kind, snapshot, { codes: ['U8'] }).codes
        const number = tensorsIn(kind, snapshot, { next: ['F64', 1] }).next[0]
        checkFits(kind, data.length % stride === 0 && data.length / stride <= most)
        checkFits(kind, Number.isInteger(number) && number >= 0 && number < 2 ** 32)
        if (!held)
          for (let at = 0; at < data.length; at += stride)
            checkFits(kind, codec.isSound(data, at, LARGEST_KEY, LARGEST_VALUE))
        const tokens = data.length / stride
        const given = weightsIn(kind, snapshot, tokens)
        next = number
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
    },
  )

  /** Adds the uncertainty of the codes, in the coordinates of the values. */
  function widen(spread: Spread, queries: KvBlock['keys'], causal: Causal | undefined): void {
    const shifts = Array.from({ length: queries.rows }, (_, r) => shiftOf(queries, r, keyCentre, scale))
    let at = -1
    let values = new Float64Array(0) // of the block at `at`, turned back and moved
    eachBlock(queries, seenBy(causal, count), (block) => {
      if (at !== block.first) {
        at = block.first
        values = block.values.slice()
        coder.turnValues.turnBack(values)
        for (let i = 0; i < values.length; i++) values[i] += valueCentre[i % dv]
      }
      widenByCodes(spread, block, values, shifts[block.row])
    })
  }
  if (like) self.restore(like.kind, like)
  return self
}

function seenBy(causal: Causal | undefined, count: number): (row: number) => number {
  return (row) => (causal ? Math.min(count, causal.visible + Math.floor(row / causal.groups)) : count)
}

function pickedBytes(from: Uint8Array, stride: number, picked: readonly number[]): Uint8Array {
  const out = new Uint8Array(picked.length * stride)
  for (const [i, row] of picked.entries()) out.set(from.subarray(row * stride, (row + 1) * stride), i * stride)
  return out
}

/** Rows turned back and moved to their centre. Entries that rounding left above `most` become `most`. */
function moved(x: Float64Array, centre: Float32Array, most: number): KvBlock['keys'] {
  const cols = centre.length
  const data = Float32Array.from(x, (entry, i) => Math.max(-most, Math.min(most, entry + centre[i % cols])))
  return { rows: x.length / cols, cols, data }
}
