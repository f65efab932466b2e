import {
  checkBlock,
  checkKeys,
  emptyPartial,
  encodeSnapshot,
  queryGroups,
  requireSame,
  rowsOf,
  type AttentionStream,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type Shape,
  type Tensor,
} from '@sublinear/core'
import { heldTokens, savedTokens, type ResidentTokens } from '@sublinear/exact-attention'

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
  readonly state: FoldedState<M>
  /** Tokens held exactly before they are folded together. */
  readonly block: number
  readonly merging: AttentionStream['merging']
  /** What two streams must share to merge; first in the snapshot's parameters. */
  readonly identity: Record<string, string>
  /** The moments as a snapshot has them. */
  readonly saved: (moments: M) => {
    readonly parameters: Record<string, string>
    readonly tensors: Record<string, Tensor>
  }
  /** What a restored stream goes on from; its state is restored already. */
  readonly from?: { readonly tokens: number; readonly held: KvBlock }
}

/**
 * The streams of one kind that hold up to `block` tokens and fold them into a state together when the next one arrives: a position of
 * the stream, so where a block ends never matters. Answers are the state's, continued exactly over the tokens held.
 *
 * Guarantee: the state's, and exact over the 1 to `block` newest tokens.
 */
export function foldingStreams<M>(kind: string, version: string) {
  const contentsOf = new WeakMap<AttentionStream, () => { moments: M; tokens: number; held: KvBlock }>()
  const identityOf = new WeakMap<AttentionStream, Record<string, string>>()

  const make = (options: FoldingOptions<M>): AttentionStream & Disposable => {
    const { d, dv, scale, state, block: most, merging, identity, saved, from: start } = options
    const held = heldTokens({ d, dv, scale, most })
    let tokens = 0

    /** Takes as many rows from `from` on as fit before the next fold, folding first when the buffer is full. */
    const take = (block: KvBlock, from: number): number => {
      if (held.count === most) {
        state.fold(held)
        held.clear()
      }
      const rows = Math.min(most - held.count, block.keys.rows - from)
      held.write(block, from, rows, held.count)
      tokens += rows
      return rows
    }

    const takeAll = (block: KvBlock) => {
      for (let from = 0; from < block.keys.rows;) from += take(block, from)
    }

    /** Answers a few rows into `out` from row `at` on; with `visible`, row i sees the held tokens up to visible + ⌊i / groups⌋. */
    const answer = (queries: Matrix, out: PartialSoftmax, at: number, visible?: number, groups = 1) => {
      const own = queries.rows === out.sum.rows ? out : partOf(out, at, at + queries.rows)
      state.answer(queries, own.max, own.mass, own.sum.data)
      held.attend(queries, own, visible === undefined ? undefined : { visible, groups })
    }

    const contents = () => ({ moments: state.read(), tokens, held: held.read() })

    /** Goes on with another stream's counts and the tokens that it holds. */
    const takeHeld = (theirs: { readonly tokens: number; readonly held: KvBlock }) => {
      tokens += theirs.tokens - theirs.held.keys.rows
      takeAll(theirs.held)
    }

    const self: AttentionStream & Disposable = {
      d,
      dv,
      scale,
      merging,
      get tokens() {
        return tokens
      },
      get bytes() {
        return state.bytes + held.bytes
      },
      push(block) {
        checkBlock(kind, block, d, dv)
        takeAll(block)
      },
      attend(queries) {
        checkKeys(kind, 'queries', queries, d)
        const out = emptyPartial(queries.rows, dv)
        for (let from = 0; from < queries.rows; from += PIECE) {
          answer(rowsOf(queries, from, Math.min(queries.rows, from + PIECE)), out, from)
        }
        return out
      },
      step(block, queries) {
        checkBlock(kind, block, d, dv)
        checkKeys(kind, 'queries', queries, d)
        const groups = queryGroups(kind, block, queries)
        const out = emptyPartial(queries.rows, dv)
        for (let from = 0; from < block.keys.rows;) {
          const rows = take(block, from)
          const own = rowsOf(queries, from * groups, (from + rows) * groups)
          answer(own, out, from * groups, held.count - rows + 1, groups)
          from += rows
        }
        return out
      },
      merge(later) {
        const theirs = contentsOf.get(later)
        if (!theirs) throw new TypeError(`${kind}: cannot merge, the other stream is not a ${kind} stream`)
        requireSame(kind, identity, identityOf.get(later)!)
        if (merging === 'none') throw new RangeError(`${kind}: cannot merge, merging is none`)
        const { moments, ...rest } = theirs()
        state.add(moments)
        takeHeld(rest)
      },
      toBytes() {
        const { parameters, tensors } = saved(state.read())
        return encodeSnapshot({
          kind,
          version,
          parameters: { ...identity, ...parameters, tokens: String(tokens) },
          tensors: { ...tensors, ...savedTokens(held.read()) },
        })
      },
      [Symbol.dispose]() {
        state[Symbol.dispose]()
        held[Symbol.dispose]()
      },
    }
    if (start) takeHeld(start)
    contentsOf.set(self, contents)
    identityOf.set(self, identity)
    return self
  }
  /** What a stream of this kind holds, as copies. */
  const contents = (stream: AttentionStream) => contentsOf.get(stream)!()
  return Object.assign(make, { contents })
}

/** Query rows answered at once by attend. */
const PIECE = 64

function partOf({ max, mass, sum }: PartialSoftmax, from: number, to: number): PartialSoftmax {
  return { max: max.subarray(from, to), mass: mass.subarray(from, to), sum: rowsOf(sum, from, to) }
}
