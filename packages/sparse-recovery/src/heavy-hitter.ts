import type { Seed } from '@sublinear/core'
import type { Key } from '@sublinear/hash-families'
import type { RecoverySize } from './recovery-rows'

export interface Bounds {
  /** Estimate of the total, with its sign. */
  readonly estimate: number
  /** Lower bound: the total lies between it and `upper`, except with probability `delta`. */
  readonly lower: number
  readonly upper: number
  readonly delta: number
}

export interface HeavyHitter extends Bounds {
  readonly index: number
  /** The key that came with this index, where it was a key and is remembered. */
  readonly key?: Key | undefined
}

export interface TopOptions {
  /** Smallest magnitude of an estimate. Absent: all entries whose interval does not contain 0. */
  readonly above?: number | undefined
  /** Chance that an interval is wrong. Default 0.01. */
  readonly delta?: number | undefined
}

export interface HeavyHitters {
  readonly n: number
  readonly k: number
  readonly epsilon: number
  readonly seed: bigint
  /** Bytes of the longest key that is remembered. */
  readonly keyBytes: number
  /** Number of numbers held. */
  readonly m: number
  /** Whether the vector itself is held, and every answer is exact: m would have been n/4 or more. */
  readonly dominated: boolean
  readonly bytes: number
  /** Adds `change` (default 1) to the entry `index`, or to the entry that a key hashes to. */
  update(index: number | Key, change?: number): void
  /** The entries of largest magnitude, the largest first: at most `count` (default k), at most 2k, and none that is noise. */
  top(count?: number, options?: TopOptions): HeavyHitter[]
  /** Estimates the total of an entry: the median of five unbiased estimates, each within ‖x‖/√⌈4k/ε⌉ of it in root mean square. */
  estimate(index: number | Key): number
  /** Estimates the total of an entry, with bounds. */
  bounds(index: number | Key, options?: { readonly delta?: number | undefined }): Bounds
  /** Estimate of ‖x‖ over all totals, from the numbers held; no entry is larger than ‖x‖. */
  readonly norm: number
  /** The index of a key: as hashKey gives it under the same seed. */
  indexOf(key: Key): number
  /** The remembered keys, by index: those that were largest when they last came. */
  readonly known: ReadonlyMap<number, Key>
  /** A copy of Φx, for a decoder of the same n, k, epsilon and seed. */
  readonly measured: Float64Array
  /** Adds what another object has seen; refuses another n, k, epsilon, keyBytes or seed, and totals beyond 2^1000. */
  merge(other: HeavyHitters): void
  toBytes(): Uint8Array
}

export interface HeavyHittersOptions extends RecoverySize {
  /** 64 bits that decide every hash. */
  readonly seed: Seed
  /** Bytes of the longest key that top() can name; longer keys are counted, too, but found as an index. Default 64. */
  readonly keyBytes?: number | undefined
}
