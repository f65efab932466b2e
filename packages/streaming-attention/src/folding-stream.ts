import {
  headOf,
  liveStream,
  life,
  rowsOf,
  rowsOfPartial,
  type AttentionStream,
  type Inside,
  type KvBlock,
  type LiveStream,
  type Matrix,
  type Shape,
  type Snapshot,
  type Tensor,
} from '@sublinear/core'
import { savedTokens, tokensIn, waitingTokens, type ResidentTokens } from '@sublinear/token-store'

/** Query rows answered at once by attend. */
const PIECE = 64

/** A summary of the tokens that have left the buffer. */
export interface FoldedState<M> extends Disposable {
  readonly bytes: number
  fold(held: ResidentTokens): void
  /** Overwrites max, mass and sum (rows × dv) with the partial softmax of the folded tokens. */
  answer(queries: Matrix, max: Float32Array, mass: Float64Array, sum: Float32Array): void
  add(moments: M): void
  /** A copy. */
  read(): M
}

export interface FoldingOptions<M> extends Shape {
  readonly kind: string
  readonly version: string
  readonly state: FoldedState<M>
  /** Tokens held exactly before they are folded together. */
  readonly block: number
  readonly merging: AttentionStream['merging']
  /** What two streams must share to merge; first in the snapshot's parameters. */
  readonly identity: Record<string, string>
  /** The moments as a snapshot has them. */
  readonly saved: (moments: M) => {
    readonly parameters?: Record<string, string>
    readonly tensors: Record<string, Tensor>
  }
  /** The moments of a snapshot. @throws RangeError when they do not fit */
  readonly restored: (snapshot: Snapshot) => M
  /** What a restored stream goes on from; its state is restored already. */
  readonly from?: { readonly tokens: number; readonly held: KvBlock }
}

/** A folding stream, and what it holds. */
export interface Folding<M> {
  readonly stream: LiveStream
  /** Copies of the moments folded and of the tokens that wait. */
  contents(): { readonly moments: M; readonly held: KvBlock }
}

/**
 * A stream that holds up to `block` tokens and folds them into a state together when the next one arrives.
 *
 * Guarantee: the state's, and exact over the 1 to `block` newest tokens.
 */
export function foldingStream<M>(options: FoldingOptions<M>): Folding<M> {
  const { kind, d, dv, scale, state, block: most, from } = options
  const waiting = waitingTokens({
    d,
    dv,
    scale,
    most,
    handOn: (held) => state.fold(held),
    behind: (queries, { max, mass, sum }) => state.answer(queries, max, mass, sum.data),
  })
  const takeAll = (block: KvBlock) => {
    for (let at = 0; at < block.keys.rows;) at += waiting.take(block, at)
  }

  const inside: Inside = {
    kind,
    version: options.version,
    d,
    dv,
    scale,
    ...headOf(options),
    merging: options.merging,
    identity: options.identity,
    bytes: () => state.bytes + waiting.bytes,
    take: (block, at) => waiting.take(block, at),
    answer(queries, out, arrived) {
      if (arrived) return waiting.answer(queries, out, arrived)
      for (let at = 0; at < queries.rows; at += PIECE) {
        const end = Math.min(queries.rows, at + PIECE)
        waiting.answer(rowsOf(queries, at, end), rowsOfPartial(out, at, end))
      }
    },
    refuses: ({ keys }) => waiting.reserve(keys.rows),
    joining(later) {
      const moments = options.restored(later)
      const held = tokensIn(kind, later, { d, dv, most })
      return () => {
        state.add(moments)
        takeAll(held)
      }
    },
    saved() {
      const { parameters = {}, tensors } = options.saved(state.read())
      return { parameters, tensors: { ...tensors, ...savedTokens(waiting.read()) } }
    },
    dispose() {
      state[Symbol.dispose]()
      waiting[Symbol.dispose]()
    },
  }
  if (from) takeAll(from.held)
  return {
    stream: liveStream(inside, life(kind, from?.tokens)),
    contents: () => ({ moments: state.read(), held: waiting.read() }),
  }
}
