import {
  checkFits,
  decodeSnapshot,
  largestWithin,
  matrix,
  pickedRows,
  tokensOf,
  joinedTokens,
  type KvBlock,
  type Matrix,
  type Method,
  type PartialSoftmax,
  type Shape,
  readAnew,
} from '@sublinear/core'
import { quantised } from '@sublinear/token-store'
import { restoreWindow, window, windowMethod } from '../policies/window'
import type { TokenTier } from '../token-tier'
import { namedInMetric, namedStacks } from './named-stacks'
import { chosenStack } from './own-trial'
import type { Stack, StackBudget } from './stack'
import { taughtStack } from './taught-stack'

const made = readAnew<FirstTokens, 'tokens' | 'bytes' | 'room' | 'spare'>()

/** Bits that the first tokens and their queries are held in, the finest first. */
const BITS = [8, 7, 6, 5]
/**
 * Numbers of first tokens: the most that are looked at, since a trial takes longer than in proportion; enough to hold them in given bits, since they are
 * rounded again later; the fewest that are worth it.
 */
const [MOST, ENOUGH, LEAST] = [1536, 384, 64]
/** One query in so many is held: it stands for those of the tokens after it, too. */
const THIN = 4
/** Bits of the one number that a query needs as a value. */
const LEAST_BITS = 2
/** Tokens that wait exactly, and tokens whose mean is the centre of the codes; of queries, the share that is held. */
const [BUFFER, FIRST] = [8, 16]

/** Sizes of the store of first tokens, which is there until a stack is chosen. */
export interface Learning {
  readonly tokens: number
  readonly bits: number
}

/** Options of a store of so many tokens in all, of which the last `waiting` wait; the codes have the mean of the first `first` as their centre. */
const optionsOf = (tokens: number, waiting: number, first: number, keyBits: number, valueBits: number) => ({
  count: tokens - waiting,
  store: quantised({ keyBits, valueBits, first }),
  buffer: waiting,
})
const heldOptions = ({ tokens, bits }: Learning) => optionsOf(tokens, BUFFER, FIRST, bits, bits)
/** Options for queries: they are held as the keys of tokens whose values are one number. */
const askedOptions = ({ tokens, bits }: Learning) =>
  optionsOf(tokens / THIN, BUFFER / THIN, FIRST / THIN, bits, LEAST_BITS)

/**
 * How many first tokens a budget has room for before a stack is chosen, and in which bits; undefined where they are too few, or where all tokens to come have
 * room in the finest bits.
 */
export function learningWithin(budget: StackBudget & { readonly tokens: number }): Learning | undefined {
  const { d, dv, scale, budgetBytes, weighted, tokens } = budget
  const found = BITS.map((bits) => {
    const bytes = (groups: number) => {
      const own = { tokens: groups * BUFFER, bits }
      return (
        windowMethod.bytes({ d, dv, scale }, heldOptions(own), { tokens: own.tokens, weighted }) +
        windowMethod.bytes({ d, dv: 1, scale }, askedOptions(own), { tokens: own.tokens / THIN })
      )
    }
    const groups = largestWithin(bytes, budgetBytes, { least: LEAST / BUFFER, most: MOST / BUFFER }) ?? 0
    return { tokens: groups * BUFFER, bits }
  })
  const best = found.find((one) => one.tokens >= ENOUGH) ?? found.at(-1)!
  return best.tokens >= LEAST && best.tokens < tokens ? best : undefined
}

/** The first tokens of a stream with a quarter of their queries, in few bits, until there are enough to choose a stack by. */
export interface FirstTokens extends Disposable {
  readonly tokens: number
  readonly bytes: number
  /** The stream that answers over them. */
  readonly held: TokenTier
  /** Number of tokens for which there is room. */
  readonly room: number
  readonly spare: number
  /** Checks that so many of the newest tokens can be taken back with their queries. @throws RangeError when they cannot */
  check(count: number): void
  push(block: KvBlock): void
  step(block: KvBlock, queries: Matrix, into: PartialSoftmax): void
  takeBack(count: number): void
  /** The stack that suits the tokens best, or the usual one; undefined where they say too little. */
  chosen(usual: Stack, budget: StackBudget & { readonly tokens: number }, methods: readonly Method[]): Stack | undefined
  /** The tokens in blocks, in stream order, with queries where every token of a block has one. */
  blocks(): readonly { readonly block: KvBlock; readonly queries?: Matrix | undefined }[]
  fork(): FirstTokens
  parts(): Readonly<Record<'held' | 'asked', TokenTier>>
}

/** Makes a store of first tokens, empty. */
export function firstTokens(shape: Shape, learning: Learning): FirstTokens {
  const { d, scale } = shape
  return live(learning, window(heldOptions(learning))(shape), window(askedOptions(learning))({ d, dv: 1, scale }))
}

/** Restores first tokens from the snapshots of their parts. @throws RangeError when these do not fit */
export function restoreFirstTokens(
  who: string,
  shape: Shape,
  learning: Learning,
  saved: Readonly<Record<'held' | 'asked', Uint8Array>>,
): FirstTokens {
  const fresh = firstTokens(shape, learning)
  const wanted = fresh.parts()
  for (const part of ['held', 'asked'] as const)
    checkFits(who, sizesIn(saved[part]) === sizesIn(wanted[part].toBytes()))
  fresh[Symbol.dispose]()
  const [held, asked] = [restoreWindow(saved.held), restoreWindow(saved.asked)]
  checkFits(who, held.tokens <= learning.tokens && asked.tokens <= groupsIn(held.tokens))
  return live(learning, held, asked)
}

/** Parameters of a snapshot that do not change as tokens come. */
function sizesIn(saved: Uint8Array): string {
  const { tokens: _, next: __, ...sizes } = decodeSnapshot(saved).parameters
  return JSON.stringify(sizes)
}

/** The number of queries held for so many tokens. */
const groupsIn = (tokens: number) => Math.ceil(tokens / THIN)

/** All tokens of a tier, those that wait at the end. */
const read = (tier: TokenTier): KvBlock => joinedTokens(tier.read(), tier.waits()) ?? tier.read()

function live(learning: Learning, held: TokenTier, asked: TokenTier): FirstTokens {
  /** Holds a query for every few tokens, taken from its group in turn. */
  const ask = (queries: Matrix, rows: number, first: number) => {
    const groups = queries.rows / rows
    const [from, to] = [groupsIn(first), groupsIn(first + rows)]
    const keys = pickedRows(queries, Array.from({ length: to - from }, (_, i) => (THIN * (from + i) - first) * groups + ((from + i) % groups))) // prettier-ignore
    if (to > from) asked.push({ keys, values: matrix(to - from, 1) })
  }
  /** The number of queries held that belong to the newest tokens, so many of them. */
  const askedBy = (count: number) =>
    Math.min(asked.tokens, groupsIn(held.tokens) - groupsIn(Math.max(0, held.tokens - count)))
  /** The place of the first token that has a query. */
  const firstAsked = () => THIN * (groupsIn(held.tokens) - asked.tokens)
  /** The queries of the tokens from there on. */
  const queriesOf = () => {
    const { keys } = read(asked)
    return pickedRows(
      keys,
      Array.from({ length: held.tokens - firstAsked() }, (_, i) => Math.floor(i / THIN)),
    )
  }
  const check = (count: number) => {
    held.check.takeBack!(count)
    asked.check.takeBack!(askedBy(count))
  }
  return made(
    {
      tokens: () => held.tokens,
      bytes: () => held.bytes + asked.bytes,
      room: () => learning.tokens - held.tokens,
      spare() {
        const asking = THIN * (groupsIn(held.tokens) + asked.spare!) - held.tokens // before the query that would be one too many
        return Math.max(0, Math.min(held.spare!, asking, learning.tokens - held.tokens))
      },
    },
    {
      held,
      push(block) {
        held.push(block)
        asked.reset() // queries of older tokens alone would be judged as if they belonged to the newest
      },
      step(block, queries, into) {
        const first = held.tokens
        held.step(block, queries, into)
        if (block.keys.rows > 0 && queries.rows > 0) ask(queries, block.keys.rows, first)
      },
      check,
      takeBack(count) {
        check(count)
        asked.takeBack!(askedBy(count))
        held.takeBack!(count)
      },
      chosen(usual, budget, methods) {
        const block = read(held)
        if (asked.tokens === 0) return undefined
        const queries = queriesOf()
        const named = namedStacks(budget, methods)
        const stacks = { usual, others: [...named, ...namedInMetric(named, queries, budget, methods)] }
        const best = chosenStack({ block, queries }, stacks, budget, methods)
        return best && taughtStack(best, queries)
      },
      blocks() {
        const block = read(held)
        const [rows, from] = [block.keys.rows, asked.tokens > 0 ? firstAsked() : block.keys.rows]
        return [
          ...(from > 0 ? [{ block: tokensOf(block, 0, from) }] : []),
          ...(from < rows ? [{ block: tokensOf(block, from, rows), queries: queriesOf() }] : []),
        ]
      },
      fork: () => live(learning, held.fork() as TokenTier, asked.fork() as TokenTier),
      parts: () => ({ held, asked }),
      [Symbol.dispose]() {
        held[Symbol.dispose]()
        asked[Symbol.dispose]()
      },
    },
  )
}
