import {
  checkFinite,
  checkInteger,
  checkOptions,
  checkSeed,
  encodeSnapshot,
  requireSame,
  isFloat64,
  isUint8,
  type Given,
} from '@sublinear/core'
import { keyHash, type Key } from '@sublinear/hash-families'
import { candidateKeys, isShort } from './candidate-keys'
import type { Bounds, HeavyHitters, HeavyHittersOptions } from './heavy-hitter'
import { largestOf } from './largest'
import { measurements } from './measurements'
import { medianReach } from './noise'
import { savedKeys } from './saved-keys'
import {
  HELD,
  KIND,
  LARGEST_CHANGE,
  LARGEST_TOTAL,
  readHeavyHitters,
  VERSION,
  type Contents,
} from './saved-heavy-hitters'

/** Most entries of a vector that is held itself: 2 GB. */
const MOST_STORED = 2 ** 28
/** Number of keys remembered for each of the k. */
const REMEMBERED = 4
/** Share of the largest entry that may be rounding. */
const ROUNDING = 2 ** -46
const DELTA = 0.01

/**
 * Finds the largest entries, by magnitude, of a vector that arrives as changes of either sign, in any order, by index or by key.
 * Source: Lemma 3.7 (one-pass paper), as a stream. Deviation: that of sparseRecovery.
 *
 * Keys (texts, bytes, bigints) are hashed to indices by hashKey: with n = 2^32 two keys get the same index with a chance of 2⁻³², and
 * then count as one. Beside the linear state, the 4k keys whose estimates were largest when they last came are remembered. A key whose total grew large and was
 * pushed out by keys that shrank later is found as an index alone.
 *
 * Guarantee: that of sparseRecovery for the vector of totals. The state is linear and float64: integer changes and their inverses cancel
 *   to exact zeros while totals stay below 2^53. `bounds` of an index chosen before: proved (noise.ts), over the seed. The intervals of `top`
 *   are (10/3δ)^¼ deviations, δ ≤ 0.01, of the counters without the entries found. That they are wrong in fewer than δ of the answers is measured (tests), not
 *   proved, since the entries were found in the same counters. Noise alone gave no answer in 300 streams of six kinds (tests).
 * Cost: 8·m bytes, m = recoveryRows(…), and 1 KiB; some 0.4 µs a change; top() costs as much as decode. With keys, 0.2 µs a change and (4k +
 * 64)·(keyBytes + 24) bytes
 *   more.
 *
 * @param n  length of the vector: indices are 0 … n − 1, n ≤ 2^32, or ≤ 2^28 where the vector itself is held
 * @param k  number of entries that top() should find, 1 … n
 * @param epsilon  0 < ε ≤ 1
 * @throws TypeError, RangeError when an option, an index or a change is out of range; a refused call changes nothing
 * @example heavyHitters({ n: 2 ** 32, k: 8, epsilon: 0.5, seed: 1 }).update('user-1')
 */
export function heavyHitters(options: HeavyHittersOptions): HeavyHitters {
  const who = 'heavyHitters'
  checkOptions(who, options, ['n', 'k', 'epsilon', 'seed', 'keyBytes'])
  const { n, k, epsilon, seed, keyBytes = 64 } = options
  checkInteger(who, 'keyBytes', keyBytes, 0, 2 ** 16)
  return live({ n, k, epsilon, seed: checkSeed(who, seed), keyBytes })
}

/**
 * Restores heavy hitters from their snapshot; they go on bit for bit.
 *
 * @throws RangeError when the bytes are damaged or of another kind
 */
export function restoreHeavyHitters(bytes: Uint8Array): HeavyHitters {
  const { options, contents } = readHeavyHitters(bytes)
  return live(options, contents)
}

function live(options: Given<HeavyHittersOptions> & { readonly seed: bigint }, from?: Contents): HeavyHitters {
  const who = 'heavyHitters'
  const { n, k, epsilon, seed, keyBytes } = options
  const { matrix, dominated, add, read, ...about } = measurements(who, options, seed)
  if (dominated && n > MOST_STORED)
    throw new RangeError(
      `${who}: n must be at most 2^28 where k and epsilon leave nothing shorter than the vector, got ${n}`,
    )
  const hash = keyHash({ seed })
  const state = from?.state ?? new Float64Array(matrix.m)
  const indices = new Float64Array(HELD)
  const changes = new Float64Array(HELD)
  let held = from?.indices.length ?? 0
  const pending = new Map<number, Key>(from?.pending) // keys of held changes
  const candidates = candidateKeys({ count: REMEMBERED * k, keyBytes })
  let keyed = false
  if (from) {
    indices.set(from.indices)
    changes.set(from.changes)
    for (const { index, key, size } of from.keys) candidates.offer(index, key, size)
    keyed = pending.size > 0 || from.keys.length > 0
  }
  const flush = (into: Float64Array) => add(into, indices.subarray(0, held), changes.subarray(0, held))
  /** Computes Φx without changing anything: a snapshot must not depend on what was asked. */
  const measured = () => {
    const copy = state.slice()
    flush(copy)
    return copy
  }
  const offerAll = (keys: ReadonlyMap<number, Key>, at: Float64Array) => {
    const sizes = about.estimate(Float64Array.from(keys.keys()), at)
    let c = 0
    for (const [index, key] of keys) candidates.offer(index, key, Math.abs(sizes[c++]))
  }
  const indexOf = (index: number | Key) => {
    if (typeof index !== 'number') return hash.index(index, n)
    checkInteger(who, 'index', index, 0, n - 1)
    return index
  }
  const identity = {
    n: String(n),
    k: String(k),
    epsilon: String(epsilon),
    seed: String(seed),
    keyBytes: String(keyBytes),
  }
  const known = () => new Map([...candidates.known, ...pending])
  const self: HeavyHitters = {
    n,
    k,
    epsilon,
    seed,
    keyBytes,
    m: matrix.m,
    dominated,
    get bytes() {
      const names = keyed ? candidates.bytes + HELD * (keyBytes + 24) : 0
      return state.byteLength + indices.byteLength + changes.byteLength + matrix.bytes + hash.bytes + names
    },
    update(index, change = 1) {
      checkFinite(who, 'change', change)
      if (Math.abs(change) > LARGEST_CHANGE) {
        throw new RangeError(`${who}: change must be at most 2^900 in magnitude, got ${change}`)
      }
      const at = indexOf(index)
      if (typeof index !== 'number') {
        keyed = true
        if (!pending.has(at) && isShort(index, keyBytes)) pending.set(at, isUint8(index) ? index.slice() : index)
      }
      indices[held] = at
      changes[held++] = change
      if (held < HELD) return
      flush(state)
      held = 0
      if (pending.size === 0) return
      offerAll(pending, state)
      pending.clear()
    },
    top(count = k, { above, delta = DELTA } = {}) {
      checkInteger(who, 'count', count, 0)
      checkDelta(who, delta)
      if (above !== undefined) checkFinite(who, 'above', above, -1e-300)
      const counters = measured()
      const found = read(counters)
      const deviation = about.rest(counters, found)
      const { keys, values } = largestOf(found, Math.min(count, 2 * k))
      const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
      const radius = medianReach(Math.min(delta, DELTA)) * deviation // the entries found are the largest of many, so the interval is no shorter than for δ = 0.01
      const least = above ?? (dominated ? 0 : Math.max(radius, ROUNDING * most))
      const names = known()
      return Array.from(keys, (index, c) => {
        const key = names.get(index)
        return { index, ...(key !== undefined && { key }), ...around(values[c], radius, delta) }
      })
        .filter(({ estimate }) => Math.abs(estimate) >= least)
        .toSorted((a, b) => Math.abs(b.estimate) - Math.abs(a.estimate) || a.index - b.index)
    },
    estimate: (index) => about.estimate(Float64Array.of(indexOf(index)), measured())[0],
    bounds(index, { delta = DELTA } = {}) {
      checkDelta(who, delta)
      const at = indexOf(index)
      const counters = measured()
      return around(about.estimate(Float64Array.of(at), counters)[0], about.radius(counters, delta), delta)
    },
    get norm() {
      return about.norm(measured())
    },
    indexOf: (key) => hash.index(key, n),
    get known() {
      return known()
    },
    get measured() {
      return measured()
    },
    merge(other) {
      if (typeof other !== 'object' || other === null || !isFloat64(other.measured)) {
        throw new TypeError(`${who}: cannot merge, the other is not one`)
      }
      requireSame(who, identity, {
        n: String(other.n),
        k: String(other.k),
        epsilon: String(other.epsilon),
        seed: String(other.seed),
        keyBytes: String(other.keyBytes),
      })
      const theirs = other.measured
      const keys = other.known
      if (!state.every((total, i) => Math.abs(total + theirs[i]) <= LARGEST_TOTAL)) {
        throw new RangeError(`${who}: totals must be at most 2^1000 in magnitude`)
      }
      for (let i = 0; i < state.length; i++) state[i] += theirs[i]
      if (!keyed && keys.size === 0) return
      keyed = true
      offerAll(new Map([...candidates.known, ...keys]), measured())
    },
    toBytes() {
      const all = [...candidates.known.values(), ...pending.values()]
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters: identity,
        tensors: {
          state: part(state),
          'held-indices': part(indices.slice(0, held)),
          'held-changes': part(changes.slice(0, held)),
          ...(keyed && {
            'key-indices': part(Float64Array.of(...candidates.known.keys(), ...pending.keys())),
            'key-sizes': part(Float64Array.of(...candidates.sizes.values())), // pending keys have none
            ...savedKeys(all),
          }),
        },
      })
    },
  }
  return self
}

const part = (data: Float64Array) => ({ dtype: 'F64' as const, shape: [data.length], data })

function around(estimate: number, radius: number, delta: number): Bounds {
  return { estimate, lower: estimate - radius, upper: estimate + radius, delta }
}

function checkDelta(who: string, delta: number): void {
  checkFinite(who, 'delta', delta, 0)
  if (delta >= 1) throw new RangeError(`${who}: delta must be below 1, got ${delta}`)
}
