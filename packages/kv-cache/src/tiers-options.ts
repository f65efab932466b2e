import type { AttentionStream, LiveStream, Shape, StreamSpec, TierSpec } from '@sublinear/core'
import type { TokenStore } from '@sublinear/token-store'
import type { Metric } from './metric/metric'

export interface TiersOptions extends Shape {
  /** Tiers in order: tokens that one evicts go to the next. The last part may be any stream. */
  readonly parts: readonly [...TierSpec[], StreamSpec]
  /** Number of tokens that are held exactly until they are handed to the first tier together, 1 to 64; take fewer where bytes are few. Default 64. */
  readonly buffer?: number | undefined
  /** Store of the waiting tokens. Default: float32. Codes must begin with the first token: `quantised({ …, first: 0 })`. */
  readonly waiting?: TokenStore | undefined
  /** The metric of the distances between keys, as `queryMetric` makes it. Default: the plain one. */
  readonly metric?: Metric | undefined
  /** Kind of its snapshots, for a method that is made of tiers. Default 'tiers'. */
  readonly name?: string | undefined
}

export interface Tiers extends AttentionStream, Disposable {
  readonly check: LiveStream['check']
  readonly spare: number
  takeBack(count: number): void
  /** The parts as they are now. They must not be pushed to: tokens reach them through the tiers before them. */
  readonly parts: readonly AttentionStream[]
  /** Query rows answered since this object was made, and the sums of the parts' other counts. */
  readonly counters: Readonly<Record<string, number>>
}
