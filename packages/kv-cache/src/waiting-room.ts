import {
  checkBlock,
  checkFits,
  joinedTokens,
  snapshotUnder,
  tensorsUnder,
  type Arrival,
  type Arrived,
  type Back,
  type HeldTensor,
  type KvBlock,
  type Life,
  type Matrix,
  type PartialSoftmax,
  type Shape,
  type State,
  type Tensor,
  type Tier,
  readAnew,
} from '@sublinear/core'
import { tokensIn, waitingTokens, type WaitingTokens } from '@sublinear/token-store'

const made = readAnew<WaitingRoom, 'count' | 'bytes'>()

export interface WaitingRoomOptions extends Shape {
  /** The most tokens that wait. */
  readonly most: number
  /** Takes tokens in and returns those that leave; with `dropped` nobody reads the result. */
  readonly admit: (block: KvBlock, dropped: boolean) => KvBlock | undefined
  /** Continues partials over all tokens taken in. inOrder: a row's bits are then the same however many query rows there are. */
  readonly behind: (queries: Matrix, out: PartialSoftmax, inOrder: boolean) => void
  /** A room of the same options, whose tokens are copied. Absent: none wait. */
  readonly like?: WaitingRoom | undefined
  /** Called for each piece of a step, after its answer. */
  readonly observe?: ((queries: Matrix, total: PartialSoftmax, arrival: Arrival) => void) | undefined
}

/** The tokens that wait before a tier that stands alone. It takes no memory until the first token comes: a tier inside others never takes any. */
export interface WaitingRoom extends Disposable {
  readonly count: number
  readonly bytes: number
  readonly back: Back
  take(block: KvBlock, at: number): number
  takeAll(block: KvBlock): void
  /** Takes in the waiting tokens, then the block; returns all tokens that leave. */
  admitted(block: KvBlock, dropped?: boolean): KvBlock | undefined
  answer(queries: Matrix, out: PartialSoftmax, arrived?: Arrived, inOrder?: boolean): void
  reserve(tokens: number): void
  /** A copy of the waiting tokens. */
  waits(): KvBlock | undefined
  /** The waiting tokens, once one has come. */
  now(): WaitingTokens | undefined
  saved(): Record<string, Tensor | HeldTensor>
  /** Takes the tokens that wait in a state, after `waited` has found that they fit. */
  restore(kind: string, state: State): void
}

/**
 * Makes the waiting room of a tier that stands alone: up to `most` tokens wait, and are taken in together, at fixed places of the stream.
 *
 * Guarantee: that of `waitingTokens`.
 * Cost: nothing until a token comes, then that of `waitingTokens`.
 *
 * @param d, dv, scale  the shape; most  the most tokens that wait; admit, behind, observe  the work of the tier behind it
 */
export function waitingRoom({ most, admit, behind, observe, like, ...shape }: WaitingRoomOptions): WaitingRoom {
  let waiting: WaitingTokens | undefined
  let left: (KvBlock | undefined)[] | undefined // tokens that leave, while a caller asks for them
  const opened = (like?: WaitingTokens) =>
    (waiting ??= waitingTokens({
      ...shape,
      most,
      like,
      handOn(waited) {
        const leaving = admit(waited.read(), left === undefined)
        left?.push(leaving)
      },
      behind,
      ...(observe && { observe }),
    }))
  const before = like?.now()
  if (before && before.count > 0) opened(before)
  const take = (block: KvBlock, at: number) => opened().take(block, at)
  const dispose = () => {
    waiting?.[Symbol.dispose]()
    waiting = undefined
  }
  return made(
    {
      count: () => waiting?.count ?? 0,
      bytes: () => waiting?.bytes ?? 0,
    },
    {
      back: {
        spare: (tokens) => (observe ? 0 : waiting ? (waiting.back?.spare(tokens) ?? 0) : tokens === 0 ? most : 0),
        most: (tokens) => waiting?.back?.most(tokens) ?? 0,
        take(count) {
          waiting?.back?.take(count)
          if (waiting?.count === 0) dispose() // as it was before the first token came
        },
      },
      take,
      takeAll(block) {
        for (let at = 0; at < block.keys.rows;) at += take(block, at)
      },
      admitted(block, dropped = false) {
        left = dropped ? undefined : []
        waiting?.settle()
        const before = left ?? []
        left = undefined
        const leaving = block.keys.rows > 0 ? admit(block, dropped) : undefined
        return dropped ? undefined : joinedTokens(...before, leaving)
      },
      answer(queries, out, arrived, inOrder = false) {
        if (waiting) waiting.answer(queries, out, arrived)
        else behind(queries, out, inOrder)
      },
      reserve: (tokens) => waiting?.reserve(tokens),
      waits: () => (waiting && waiting.count > 0 ? waiting.read() : undefined),
      now: () => waiting,
      saved: () => (waiting && waiting.count > 0 ? tensorsUnder('waiting', waiting.saved()) : {}),
      restore(kind, state) {
        if (state.tensors.has('waiting/keys')) opened().restore(kind, snapshotUnder('waiting', state))
      },
      [Symbol.dispose]: dispose,
    },
  )
}

/** How many of the tokens that were given had been taken in, where others wait in a snapshot. @throws RangeError when there are not as many as were held */
export function waited(
  kind: string,
  snapshot: State,
  {
    held,
    given,
    ...room
  }: { readonly d: number; readonly dv: number; readonly most: number; readonly held: number; readonly given: number },
): { readonly seen: number } {
  checkFits(kind, given >= held)
  if (!snapshot.tensors.has('waiting/keys')) return { seen: given }
  const waits = snapshot.isSound
    ? snapshot.tensors.get('waiting/keys')!.shape[0]
    : tokensIn(kind, snapshotUnder('waiting', snapshot), room).keys.rows
  checkFits(kind, given - waits >= held)
  return { seen: given - waits }
}

/** Makes the `admit` of a tier from a function that takes a checked block. */
export function admitBy(
  kind: string,
  { d, dv, rotary }: Shape,
  alive: Life,
  now: () => { admitted(block: KvBlock, dropped?: boolean): KvBlock | undefined },
): Tier['admit'] {
  return (block, dropped) => {
    alive.check()
    checkBlock(kind, block, d, dv)
    if (rotary) throw new TypeError(`${kind}: a tier that turns keys takes them by push and step, and not by admit`)
    return alive.act('admit', () => {
      alive.tokens += block.keys.rows
      return now().admitted(block, dropped)
    })
  }
}
