import { emptyPartial, rowsOf, type KvBlock, type Matrix, type PartialSoftmax, type Shape } from '@sublinear/core'
import { heldTokens, type HeldTokens } from '@sublinear/exact-attention'

/** Query rows below which the kernels sum in another order. */
const FEW = 5

/** What a policy may know of the queries that it observes. */
export interface Arrival {
  /** Query rows a token. */
  readonly groups: number
  /** The tokens that wait before the first part: query row i saw the first visible + ⌊i / groups⌋ of them. */
  readonly waiting?: { readonly held: HeldTokens; readonly visible: number }
}

export interface FrontOptions extends Shape {
  /** Tokens that wait at most. */
  readonly most: number
  /** Takes the tokens that have waited. */
  readonly handOn: (block: KvBlock) => void
  /** Continues empty partials over everything that was handed on. */
  readonly answer: (queries: Matrix, out: PartialSoftmax) => void
  /** Called for each piece of a step, after its answer. */
  readonly observe?: (queries: Matrix, total: PartialSoftmax, arrival: Arrival) => void
}

/** Where tokens wait, answered exactly, until they are handed on together. Nothing is checked. */
export interface Front extends Disposable {
  readonly count: number
  readonly bytes: number
  read(): KvBlock
  push(block: KvBlock): void
  attend(queries: Matrix): PartialSoftmax
  step(block: KvBlock, queries: Matrix, groups: number): PartialSoftmax
  /** Hands on what waits, before its time. */
  settle(): void
}

/**
 * Tokens go on `most` at a time, when the next one arrives: at fixed places of the stream, not of the calls. So within a piece of a step
 * everything behind stands still, is asked once for all rows, and only the tokens that wait need a causal mask.
 *
 * Guarantee: what is observed does not depend on how the stream was cut, bit for bit: fewer than five query rows, for which the kernels
 *   sum in another order, are asked as five.
 */
export function front({ d, dv, scale, most, handOn, answer, observe }: FrontOptions): Front {
  const held = heldTokens({ d, dv, scale, most })

  const settle = () => {
    if (held.count > 0) handOn(held.read())
    held.clear()
  }

  /** Takes as many rows from `from` on as fit before the next are handed on, handing on first when the front is full. */
  const take = (block: KvBlock, from: number): number => {
    if (held.count === most) settle()
    const count = Math.min(most - held.count, block.keys.rows - from)
    held.write(block, from, count, held.count)
    return count
  }

  /** Answers into empty partials; with `visible`, row i sees the first visible + ⌊i / groups⌋ tokens that wait. */
  const ask = (queries: Matrix, out: PartialSoftmax, visible?: number, groups = 1) => {
    answer(queries, out)
    held.attend(queries, out, visible === undefined ? undefined : { visible, groups })
  }

  return {
    get count() {
      return held.count
    },
    get bytes() {
      return held.bytes
    },
    read: () => held.read(),
    push(block) {
      for (let from = 0; from < block.keys.rows;) from += take(block, from)
    },
    attend(queries) {
      const out = emptyPartial(queries.rows, dv)
      ask(queries, out)
      return out
    },
    step(block, queries, groups) {
      const out = emptyPartial(queries.rows, dv)
      for (let from = 0; from < block.keys.rows;) {
        const count = take(block, from)
        const own = rowsOf(queries, from * groups, (from + count) * groups)
        const total = rowsOfPartial(out, from * groups, (from + count) * groups)
        const visible = held.count - count + 1
        if (observe && own.rows < FEW) askPadded(own, total, visible, groups)
        else ask(own, total, visible, groups)
        observe?.(own, total, { groups, waiting: { held, visible } })
        from += count
      }
      return out
    },
    settle,
    [Symbol.dispose]() {
      held[Symbol.dispose]()
    },
  }

  function askPadded(queries: Matrix, out: PartialSoftmax, visible: number, groups: number): void {
    const data = new Float32Array(FEW * d)
    data.set(queries.data)
    for (let r = queries.rows; r < FEW; r++) data.copyWithin(r * d, 0, d)
    const padded = emptyPartial(FEW, dv)
    ask({ rows: FEW, cols: d, data }, padded, visible, groups)
    const { max, mass, sum } = rowsOfPartial(padded, 0, queries.rows)
    out.max.set(max)
    out.mass.set(mass)
    out.sum.data.set(sum.data)
  }
}

function rowsOfPartial(whole: PartialSoftmax, from: number, to: number): PartialSoftmax {
  const { max, mass, sum } = whole
  if (to - from === sum.rows) return whole
  return { max: max.subarray(from, to), mass: mass.subarray(from, to), sum: rowsOf(sum, from, to) }
}
