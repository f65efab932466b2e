import {
  checkFits,
  headOf,
  liveStream,
  reserveMemory,
  rowsOf,
  rowsOfPartial,
  type AttentionStream,
  type Inside,
  type KvBlock,
  type LiveStream,
  type Matrix,
  type Saved,
  type Shape,
  type Snapshot,
  type State,
  tokenCount,
} from '@sublinear/core'
import { tokensIn, waitingTokens, type ResidentTokens, type WaitingTokens } from '@sublinear/token-store'

/** Query rows answered at once by attend. */
const PIECE = 64

/** A summary of the tokens that have left the buffer. */
export interface FoldedState<M> extends Disposable {
  bytes(): number
  /** Counts since it was made. */
  readonly counters?: Readonly<Record<string, number>> | undefined
  fold(held: ResidentTokens): void
  /** Overwrites max, mass and sum (rows × dv) with the partial softmax of the folded tokens. */
  answer(queries: Matrix, max: Float32Array, mass: Float64Array, sum: Float32Array): void
  add(moments: M): void
  /** Whether these moments can be added. Default: always. */
  fits?(moments: M): boolean
  /** Copies the moments. */
  read(): M
  /** Bytes of the kernels' memory that it will take more after so many more tokens. Default: none. */
  growth?(tokens: number): number
}

export interface FoldingOptions<M> extends Shape {
  readonly kind: string
  readonly version: string
  /** Makes the state, empty or with these moments. */
  readonly begin: (moments?: M) => FoldedState<M>
  /** Tokens held exactly before they are folded together. */
  readonly block: number
  readonly merging: AttentionStream['merging']
  /** Parameters that two streams must share to merge; in a snapshot they come first. */
  readonly identity: Record<string, string>
  /** The moments in the form of a snapshot. */
  readonly saved: (state: FoldedState<M>) => Saved
  /** Reads the moments from a snapshot. @throws RangeError when they do not fit */
  readonly restored: (from: State) => M
}

/** The state of a folding stream. */
export interface Folding<M> {
  /** Copies of the moments folded and of the tokens that wait. */
  contents(): { readonly moments: M; readonly held: KvBlock }
}

/**
 * Makes a stream that holds up to `block` tokens exactly, and folds them into a state together when the next one arrives.
 *
 * Guarantee: that of the state; exact over the 1 to `block` newest tokens.
 *
 * @param members  members that the stream has beside the contract
 */
export function foldingStream<M, E extends object>(
  options: FoldingOptions<M>,
  members: (now: () => Folding<M>) => E,
  from?: Snapshot,
): LiveStream & E {
  const { kind } = options
  return liveStream<FoldingInside<M>, E>(
    { kind, begin: ({ tokens }, state) => begun(options, tokens, state), members },
    from,
  )
}

type FoldingInside<M> = Inside & Folding<M> & { readonly state: FoldedState<M>; readonly waiting: WaitingTokens }

function begun<M>(options: FoldingOptions<M>, given: number, from?: State): FoldingInside<M> {
  const { kind, version, d, dv, scale, block: most, merging, identity } = options
  const like = from?.live as FoldingInside<M> | undefined
  const state = options.begin(like ? like.state.read() : from && options.restored(from))
  const waiting = waitingTokens({
    d,
    dv,
    scale,
    most,
    handOn: (held) => state.fold(held),
    behind: (queries, { max, mass, sum }) => state.answer(queries, max, mass, sum.data),
    like: like?.waiting,
  })
  const takeAll = (block: KvBlock) => {
    for (let at = 0; at < block.keys.rows;) at += waiting.take(block, at)
  }
  if (from && !like) {
    waiting.restore(kind, from)
    checkFits(kind, given >= waiting.count)
  }

  /** Asks for the memory that the state will take when so many more tokens are folded. */
  const reserve = (tokens: number) => {
    const bytes = state.growth?.(waiting.count + tokens) ?? 0
    if (bytes > 0) reserveMemory(bytes)
  }

  const { counters } = state
  return {
    version,
    d,
    dv,
    scale,
    ...headOf(options),
    merging,
    identity,
    bytes: () => state.bytes() + waiting.bytes,
    take: (block, at) => waiting.take(block, at),
    answer(queries, out, arrived) {
      if (arrived) return waiting.answer(queries, out, arrived)
      for (let at = 0; at < queries.rows; at += PIECE) {
        const end = Math.min(queries.rows, at + PIECE)
        waiting.answer(rowsOf(queries, at, end), rowsOfPartial(out, at, end))
      }
    },
    refuses({ keys }) {
      waiting.reserve(keys.rows)
      reserve(keys.rows)
    },
    joining(later) {
      const moments = options.restored(later)
      const held = tokensIn(kind, later, { d, dv, most })
      if (state.fits?.(moments) === false)
        throw new RangeError(`${kind}: cannot merge, a sum of the two would leave float32`)
      reserve(tokenCount(kind, later))
      return () => {
        state.add(moments)
        takeAll(held)
      }
    },
    ...(waiting.back && { back: waiting.back }),
    saved() {
      const { tensors, ...rest } = options.saved(state)
      return { ...rest, tensors: { ...tensors, ...waiting.saved() } }
    },
    savedBeside: () => ({ tensors: {} }),
    state,
    waiting,
    dispose() {
      state[Symbol.dispose]()
      waiting[Symbol.dispose]()
    },
    ...(counters && { counters: () => counters }),
    contents: () => ({ moments: state.read(), held: waiting.read() }),
  }
}
