import {
  checkFinite,
  checkInteger,
  checkSeed,
  decodeSnapshot,
  encodeSnapshot,
  requireSame,
  type Seed,
} from '@sublinear/core'
import { largestOf } from './largest'
import { measurements } from './measurements'
import type { RecoverySize } from './recovery-rows'

const KIND = 'heavy-hitters'
const VERSION = '1'
/** Changes that are hashed together. */
const HELD = 64
/** 2^53 changes of this size stay within float64. */
const LARGEST_CHANGE = 2 ** 900
/** Beyond what 2^53 changes reach, and so far below the end of float64 that answers stay finite. */
const LARGEST_TOTAL = 2 ** 1000

/** Entries of a vector that is held itself: 2 GB. */
const MOST_STORED = 2 ** 28

export interface HeavyHitter {
  readonly index: number
  /** Its estimated total, with sign. */
  readonly value: number
}

export interface HeavyHitters {
  readonly n: number
  readonly k: number
  readonly epsilon: number
  readonly seed: bigint
  /** Numbers held. */
  readonly m: number
  /** m would have been n/4 or more, so the vector itself is held and every answer is exact. */
  readonly dominated: boolean
  readonly bytes: number
  /** Adds `change` to entry `index`. */
  update(index: number, change: number): void
  /** At most `count` entries (k where absent, at most 2k), of largest magnitude first. */
  top(count?: number): HeavyHitter[]
  /** One entry's total: the median of five unbiased estimates, each within ‖x‖/√⌈4k/ε⌉ of it in root mean square. */
  estimate(index: number): number
  /** Φx, for a decoder of the same n, k, epsilon and seed; a copy. */
  readonly measured: Float64Array
  /** Adds what another object saw; refuses another n, k, epsilon or seed, and totals beyond 2^1000. */
  merge(other: HeavyHitters): void
  toBytes(): Uint8Array
}

/**
 * The largest entries, by magnitude, of a vector that arrives as changes (index, change) of either sign and in any order.
 * Source: Lemma 3.7 (one-pass paper), as a stream. Deviation: see sparseRecovery.
 *
 * @param n  indices are 0 … n − 1, n ≤ 2^32, where the vector itself is held 2^28
 * @param k  how many entries top() is to find, 1 … n
 * @param epsilon  0 < ε ≤ 1
 * @throws TypeError, RangeError when an option, an index or a change is out of range; a refused call changes nothing
 * Guarantee: that of sparseRecovery for the vector of totals. The state is linear and float64: integer changes and their inverses cancel
 *   to exact zeros while totals stay below 2^53.
 * Cost: 8·m bytes, m = recoveryRows(…), and 1 KiB; some 0.7 µs a change; top() as decode.
 */
export function heavyHitters({ n, k, epsilon, seed }: RecoverySize & { readonly seed: Seed }): HeavyHitters {
  const whole = checkSeed('heavyHitters', seed)
  return live({ n, k, epsilon, seed: whole })
}

/**
 * Heavy hitters from their snapshot, resuming bit for bit.
 *
 * @throws RangeError when the bytes are damaged or of another kind
 */
export function restoreHeavyHitters(bytes: Uint8Array): HeavyHitters {
  const who = 'restoreHeavyHitters'
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const { n, k, epsilon, seed } = parameters
  if (!/^\d+$/.test(seed ?? '')) throw new RangeError(`${who}: the seed must be an integer, got ${seed}`)
  const state = tensors.get('state')?.data
  const indices = tensors.get('held-indices')?.data
  const changes = tensors.get('held-changes')?.data
  const whole = checkSeed(who, BigInt(seed))
  const size = { n: Number(n), k: Number(k), epsilon: Number(epsilon) }
  const { matrix } = measurements(who, size, whole) // throws where they are out of range; holds no state
  const fits =
    state instanceof Float64Array &&
    indices instanceof Float64Array &&
    changes instanceof Float64Array &&
    state.length === matrix.m &&
    indices.length < HELD &&
    changes.length === indices.length &&
    state.every((total) => Math.abs(total) <= LARGEST_TOTAL) &&
    changes.every((change) => Math.abs(change) <= LARGEST_CHANGE) &&
    indices.every((index) => Number.isInteger(index) && index >= 0 && index < size.n)
  if (!fits) throw new RangeError(`${who}: the tensors do not fit the parameters`)
  return live({ ...size, seed: whole }, { state, indices, changes })
}

interface Contents {
  readonly state: Float64Array // m
  readonly indices: Float64Array // of the changes not yet in the state
  readonly changes: Float64Array
}

function live(options: RecoverySize & { readonly seed: bigint }, from?: Contents): HeavyHitters {
  const who = 'heavyHitters'
  const { n, k, epsilon, seed } = options
  const { matrix, dominated, add, read, estimate } = measurements(who, options, seed)
  if (dominated && n > MOST_STORED)
    throw new RangeError(
      `${who}: n must be at most 2^28 where k and epsilon leave nothing shorter than the vector, got ${n}`,
    )
  const state = from?.state ?? new Float64Array(matrix.m)
  const indices = new Float64Array(HELD)
  const changes = new Float64Array(HELD)
  let held = from?.indices.length ?? 0
  if (from) {
    indices.set(from.indices)
    changes.set(from.changes)
  }
  const flush = (into: Float64Array) => add(into, indices.subarray(0, held), changes.subarray(0, held))
  /** Φx without a trace: asking changes nothing, so a snapshot does not depend on what was asked. */
  const measured = () => {
    const copy = state.slice()
    flush(copy)
    return copy
  }
  const identity = { n: String(n), k: String(k), epsilon: String(epsilon), seed: String(seed) }
  const self: HeavyHitters = {
    n,
    k,
    epsilon,
    seed,
    m: matrix.m,
    dominated,
    bytes: state.byteLength + indices.byteLength + changes.byteLength + matrix.bytes,
    update(index, change) {
      checkInteger(who, 'index', index, 0, n - 1)
      checkFinite(who, 'change', change)
      if (Math.abs(change) > LARGEST_CHANGE) {
        throw new RangeError(`${who}: change must be at most 2^900 in magnitude, got ${change}`)
      }
      indices[held] = index
      changes[held++] = change
      if (held < HELD) return
      flush(state)
      held = 0
    },
    top(count = k) {
      checkInteger(who, 'count', count, 0, 2 * k)
      const { keys, values } = largestOf(read(measured()), count)
      const found = Array.from(keys, (index, c) => ({ index, value: values[c] }))
      return found.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value) || a.index - b.index)
    },
    estimate(index) {
      checkInteger(who, 'index', index, 0, n - 1)
      return estimate(Float64Array.of(index), measured())[0]
    },
    get measured() {
      return measured()
    },
    merge(other) {
      if (typeof other !== 'object' || other === null || !(other.measured instanceof Float64Array)) {
        throw new TypeError(`${who}: cannot merge, the other is not one`)
      }
      requireSame(who, identity, {
        n: String(other.n),
        k: String(other.k),
        epsilon: String(other.epsilon),
        seed: String(other.seed),
      })
      const theirs = other.measured
      if (!state.every((total, i) => Math.abs(total + theirs[i]) <= LARGEST_TOTAL)) {
        throw new RangeError(`${who}: totals must be at most 2^1000 in magnitude`)
      }
      for (let i = 0; i < state.length; i++) state[i] += theirs[i]
    },
    toBytes() {
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters: identity,
        tensors: {
          state: part(state),
          'held-indices': part(indices.slice(0, held)),
          'held-changes': part(changes.slice(0, held)),
        },
      })
    },
  }
  return self
}

const part = (data: Float64Array) => ({ dtype: 'F64' as const, shape: [data.length], data })
