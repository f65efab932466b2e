import type { Seed } from '@sublinear/core'
import type { Key } from '@sublinear/hash-families'
import type { RecoverySize } from './recovery-rows'

export interface Bounds {
  /** The total, estimated, with its sign. */
  readonly estimate: number
  /** The total is at least this and at most `upper`, but with probability `delta`. */
  readonly lower: number
  readonly upper: number
  readonly delta: number
}

export interface HeavyHitter extends Bounds {
  readonly index: number
  /** The key that came by this index, where it was one and is remembered. */
  readonly key?: Key | undefined
}

export interface TopOptions {
  /** The least magnitude of an estimate. Absent: that of an interval without 0. */
  readonly above?: number | undefined
  /** The chance of each interval to be wrong; 0.01 where absent. */
  readonly delta?: number | undefined
}

export interface HeavyHitters {
  readonly n: number
  readonly k: number
  readonly epsilon: number
  readonly seed: bigint
  /** The longest key that is remembered. */
  readonly keyBytes: number
  /** Numbers held. */
  readonly m: number
  /** m would have been n/4 or more, so the vector itself is held and every answer is exact. */
  readonly dominated: boolean
  readonly bytes: number
  /** Adds `change` (1 where absent) to entry `index`, or to the one that the key hashes to. */
  update(index: number | Key, change?: number): void
  /** Entries of largest magnitude, the largest first: at most `count` (k where absent), at most 2k, and none that is noise. */
  top(count?: number, options?: TopOptions): HeavyHitter[]
  /** One entry's total: the median of five unbiased estimates, each within ‖x‖/√⌈4k/ε⌉ of it in root mean square. */
  estimate(index: number | Key): number
  /** The same with what it may be off by. */
  bounds(index: number | Key, options?: { readonly delta?: number | undefined }): Bounds
  /** ‖x‖ of all totals, estimated from what is held: no entry is larger. */
  readonly norm: number
  /** The entry of a key: as hashKey under the same seed. */
  indexOf(key: Key): number
  /** The keys remembered, by index: the largest when they last came. */
  readonly known: ReadonlyMap<number, Key>
  /** Φx, for a decoder of the same n, k, epsilon and seed; a copy. */
  readonly measured: Float64Array
  /** Adds what another object saw; refuses another n, k, epsilon, keyBytes or seed, and totals beyond 2^1000. */
  merge(other: HeavyHitters): void
  toBytes(): Uint8Array
}

export interface HeavyHittersOptions extends RecoverySize {
  /** 64 bits that decide every hash. */
  readonly seed: Seed
  /** The longest key, in bytes, that top() can call its answers by; 64 where absent. Longer ones are counted like all. */
  readonly keyBytes?: number | undefined
}
