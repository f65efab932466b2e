import { openStream } from '@sublinear/attention'
import type { AttentionStream, KvBlock, Matrix, Tier } from '@sublinear/core'
import { failing, wrappers, type Fallible } from '@sublinear/laws'

/** A source of numbers that one seed decides. */
export interface Dice {
  /** A whole number from 0 to count − 1. */
  below(count: number): number
  chance(share: number): boolean
  pick<T>(list: readonly T[]): T
  /** A number from −1 to 1. */
  entry(): number
}

/** Numbers by SplitMix32, so that every program is a function of its seed. */
export function dice(seed: number): Dice {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
  const below = (count: number) => Math.floor(next() * count)
  return {
    below,
    chance: (share) => next() < share,
    pick: (list) => list[below(list.length)],
    entry: () => 2 * next() - 1,
  }
}

/** A part as a program puts it in: `sound` is what it is without its fault, for the twin and for those that it merges with. */
export interface Dressed {
  readonly name: string
  readonly sound: <S extends AttentionStream>(stream: S) => S
  readonly faulty: <S extends AttentionStream>(stream: S) => S
}

const bare = <S extends AttentionStream>(stream: S): S => stream
const plain: Dressed = { name: 'plain', sound: bare, faulty: bare }
const MEMBERS: readonly Fallible[] = ['push', 'step', 'attend', 'merge', 'admit', 'absorb', 'observe']

/** Keys whose first entry is above this are refused by a part that is picky. */
export const PICKY = 1.5

/** How a part is put in: as it is, forwarded, picky with or without being asked, or failing at some call. */
export function dressed(random: Dice): Dressed {
  const way = random.below(10)
  if (way < 4) return plain
  if (way < 6) {
    const { name, wrap } = random.pick(wrappers)
    return { name, sound: wrap, faulty: wrap }
  }
  if (way < 8) {
    const isAsked = random.chance(0.7)
    const faulty = <S extends AttentionStream>(stream: S) => picky(stream, isAsked)
    return { name: isAsked ? 'picky' : 'picky, never asked', sound: bare, faulty }
  }
  const fault = { member: random.pick(MEMBERS), at: random.below(6), done: random.chance(0.5) }
  return {
    name: `failing in ${fault.member}`,
    sound: bare,
    faulty: (stream) => failing(stream, fault),
  }
}

function look({ keys: { rows, cols, data } }: KvBlock): void {
  for (let row = 0; row < rows; row++)
    if (data[row * cols] > PICKY) throw new RangeError('part: it does not take such keys')
}

/** Refuses tokens by their keys, whoever hands them to it; where it is asked, also before the call. */
function picky<S extends AttentionStream>(stream: S, isAsked: boolean): S {
  const { admit } = stream as unknown as Partial<Tier>
  const own: Partial<Tier> = {
    push(block) {
      look(block)
      stream.push(block)
    },
    step(block, queries) {
      look(block)
      return stream.step(block, queries)
    },
    ...(admit && {
      admit(block: KvBlock, dropped?: boolean) {
        look(block)
        return admit(block, dropped)
      },
    }),
  }
  const check = {
    push(block: KvBlock, isSound?: boolean) {
      look(block)
      stream.check?.push(block, isSound)
    },
    step(block: KvBlock, queries: Matrix, isSound?: boolean) {
      look(block)
      stream.check?.step(block, queries, isSound)
    },
    merge: (later: Pick<AttentionStream, 'toBytes'>) => stream.check?.merge(later),
  }
  const all = { ...own, check: isAsked ? check : undefined }
  return new Proxy(stream, { get: (of, name) => Reflect.get(Object.hasOwn(all, name) ? all : of, name) })
}

/** Ends a stream, so that its memory is free for the next. */
export function ended(stream: Partial<Disposable>): void {
  stream[Symbol.dispose]?.()
}

/** The stream of a snapshot, by the catalogue. */
export const opened = (bytes: Uint8Array): AttentionStream => openStream(bytes)
