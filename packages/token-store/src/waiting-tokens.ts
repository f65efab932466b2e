import {
  checkObject,
  scoresOf,
  type Arrival,
  type Arrived,
  type Back,
  type HeldTensor,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type Shape,
  type State,
  type Tensor,
  readAnew,
} from '@sublinear/core'
import { float32, heldTokens, type ResidentTokens } from './held-tokens'
import type { Causal, HeldTokens, HeldTokensOptions, TokenStore } from './token-store'

const made = readAnew<WaitingTokens, 'count' | 'bytes'>()

export interface WaitingTokensOptions<H extends HeldTokens> extends Shape {
  /** The most tokens that wait. */
  readonly most: number
  /** Takes all tokens that have waited; it may read them in place, and they are forgotten afterwards. */
  readonly handOn: (held: H) => void
  /** The store that holds them. Default: `heldTokens`, in float32. */
  readonly hold?: ((options: HeldTokensOptions) => H) | undefined
  /** Waiting tokens of the same options, which are copied. Absent: none wait. */
  readonly like?: WaitingTokens | undefined
  /** Continues partials over all tokens that were handed on. inOrder: a row's bits are the same however many query rows there are. */
  readonly behind: (queries: Matrix, out: PartialSoftmax, inOrder: boolean) => void
  /** Called for each piece of a step, after its answer. */
  readonly observe?: ((queries: Matrix, total: PartialSoftmax, arrival: Arrival) => void) | undefined
}

/** The tokens that wait, answered exactly, until they are handed on together. Nothing is checked. */
export interface WaitingTokens extends Disposable {
  readonly count: number
  readonly bytes: number
  /** The reason why there are no error bars over the waiting tokens. */
  readonly noBars: string | undefined
  read(): KvBlock
  /** Takes as many rows from `from` on as fit before tokens are next handed on; hands on first where there is no room. */
  take(block: KvBlock, from: number): number
  /** Continues partials over the tokens that were handed on and those that wait; with `arrived`, causally over the tokens just taken, and observed. */
  answer(queries: Matrix, out: PartialSoftmax, arrived?: Arrived): void
  /** Asks for the memory of so many more tokens; throws where there is none. */
  reserve(tokens: number): void
  /** A copy of the store that holds them. */
  copied(): HeldTokens
  /** Tensors for a snapshot, and the way back from them to an empty buffer, bit for bit. */
  saved(): Record<string, Tensor | HeldTensor>
  restore(kind: string, state: State): void
  /** Says which of the newest tokens can be taken back. Absent: they were observed, or wait in codes. */
  readonly back?: Back | undefined
  /** Hands on the waiting tokens before their time. */
  settle(): void
}

/** The bytes of a buffer in which `most` tokens may wait, once one has. */
export function waitingBytes(shape: Shape, most: number, weighted: boolean, store: TokenStore = float32): number {
  return store.bytes({ ...shape, most }, most, weighted)
}

/**
 * Makes a waiting buffer: tokens go on together, `most` at a time, when the next one arrives, at fixed places of the stream, whatever the calls. So within
 * a piece of a step everything behind the buffer stays the same and is asked once for all rows; only the waiting tokens need a causal mask.
 *
 * Guarantee: what is observed does not depend on how the stream was cut, bit for bit, since answers that are observed are computed in order.
 */
export function waitingTokens<H extends HeldTokens = ResidentTokens>(options: WaitingTokensOptions<H>): WaitingTokens {
  const {
    most,
    handOn,
    like,
    hold = heldTokens as unknown as (options: HeldTokensOptions) => H,
    behind,
    observe,
    ...shape
  } = checkObject('waitingTokens', options)
  const { d, dv, scale } = shape
  const held = like ? (like.copied() as H) : hold({ d, dv, scale, ...scoresOf(shape), most })

  const settle = () => {
    if (held.count > 0) handOn(held)
    held.clear()
  }

  const ask = (queries: Matrix, out: PartialSoftmax, causal?: Causal) => {
    const inOrder = observe !== undefined && causal !== undefined
    behind(queries, out, inOrder)
    held.attend(queries, out, causal, inOrder)
  }

  return made(
    {
      count: () => held.count,
      bytes: () => held.bytes,
    },
    {
      noBars: held.noBars,
      read: () => held.read(),
      take(block, from) {
        if (held.count === most) settle()
        const count = Math.min(most - held.count, block.keys.rows - from)
        held.write(block, from, count, held.count)
        return count
      },
      answer(queries, out, arrived) {
        if (!arrived) return ask(queries, out)
        const { count, groups } = arrived
        const visible = held.count - count + 1
        ask(queries, out, { visible, groups })
        observe?.(queries, out, {
          groups,
          waiting: {
            count: held.count,
            visible,
            addShares: (shares, asked, softmax) => held.addShares(shares, asked, softmax, { visible, groups }),
          },
        })
      },
      reserve: (tokens) => held.reserve(Math.min(most, held.count + tokens)),
      copied: () => held.copy(),
      saved: () => held.saved(),
      restore: (kind, state) => held.restore(kind, state),
      ...(!observe &&
        held.spec === float32.spec && {
          back: {
            spare: (tokens: number) => (held.count === 0 && tokens > 0 ? 0 : most - held.count),
            // The first of the waiting tokens came when those before it were handed on.
            most: (tokens: number) => (tokens === held.count ? tokens : held.count - 1),
            take: (count: number) => held.truncate(held.count - count),
          },
        }),
      settle,
      [Symbol.dispose]() {
        held[Symbol.dispose]()
      },
    },
  )
}
