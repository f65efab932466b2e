import {
  emptyPartial,
  rowsOfPartial,
  scoresOf,
  type Arrival,
  type Arrived,
  type KvBlock,
  type Matrix,
  type PartialSoftmax,
  type Shape,
} from '@sublinear/core'
import { float32, heldTokens, type ResidentTokens } from './held-tokens'

/** Query rows below which the kernels sum in another order. */
const FEW = 5

export interface WaitingTokensOptions extends Shape {
  /** Tokens that wait at most. */
  readonly most: number
  /** Takes all that have waited; it may read them in place, and they are forgotten afterwards. */
  readonly handOn: (held: ResidentTokens) => void
  /** Continues partials over everything that was handed on. */
  readonly behind: (queries: Matrix, out: PartialSoftmax) => void
  /** Called for each piece of a step, after its answer. */
  readonly observe?: (queries: Matrix, total: PartialSoftmax, arrival: Arrival) => void
}

/** The tokens that wait, answered exactly, until they are handed on together. Nothing is checked. */
export interface WaitingTokens extends Disposable {
  readonly count: number
  readonly bytes: number
  read(): KvBlock
  /** Takes as many rows from `from` on as fit before the next are handed on, handing on first where there is no room. */
  take(block: KvBlock, from: number): number
  /** Continues partials over what is behind and what waits; with `arrived`, causally over the tokens just taken, and observed. */
  answer(queries: Matrix, out: PartialSoftmax, arrived?: Arrived): void
  /** Asks for the memory that so many more tokens take: throws where there is none. */
  reserve(tokens: number): void
  /** Hands on what waits, before its time. */
  settle(): void
}

/** The bytes of a buffer in which `most` tokens may wait, once one has. */
export function waitingBytes(shape: Shape, most: number, weighted: boolean): number {
  return float32.bytes({ ...shape, most }, most, weighted)
}

/**
 * The one waiting buffer: tokens go on `most` at a time, when the next one arrives, at fixed places of the stream and not of the calls. So within
 * a piece of a step everything behind stands still and is asked once for all rows, and only the tokens that wait need a causal mask.
 *
 * Guarantee: what is observed does not depend on how the stream was cut, bit for bit: fewer than five query rows, for which the kernels
 *   sum in another order, are asked as five.
 */
export function waitingTokens({ most, handOn, behind, observe, ...shape }: WaitingTokensOptions): WaitingTokens {
  const { d, dv, scale } = shape
  const held = heldTokens({ d, dv, scale, ...scoresOf(shape), most })

  const settle = () => {
    if (held.count > 0) handOn(held)
    held.clear()
  }

  const ask = (
    queries: Matrix,
    out: PartialSoftmax,
    causal?: { readonly visible: number; readonly groups: number },
  ) => {
    behind(queries, out)
    held.attend(queries, out, causal)
  }

  return {
    get count() {
      return held.count
    },
    get bytes() {
      return held.bytes
    },
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
      if (observe && queries.rows < FEW) askPadded(queries, out, { visible, groups })
      else ask(queries, out, { visible, groups })
      observe?.(queries, out, { groups, waiting: { keys: () => held.readKeys(), weights: held.weights, visible } })
    },
    reserve: (tokens) => held.reserve(Math.min(most, held.count + tokens)),
    settle,
    [Symbol.dispose]() {
      held[Symbol.dispose]()
    },
  }

  function askPadded(
    queries: Matrix,
    out: PartialSoftmax,
    causal: { readonly visible: number; readonly groups: number },
  ): void {
    const data = new Float32Array(FEW * d)
    data.set(queries.data)
    for (let r = queries.rows; r < FEW; r++) data.copyWithin(r * d, 0, d)
    const padded = emptyPartial(FEW, dv)
    ask({ rows: FEW, cols: d, data }, padded, causal)
    const { max, mass, sum } = rowsOfPartial(padded, 0, queries.rows)
    out.max.set(max)
    out.mass.set(mass)
    out.sum.data.set(sum.data)
  }
}
