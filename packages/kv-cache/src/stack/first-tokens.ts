import {
  checkFits,
  decodeSnapshot,
  largestWithin,
  matrix,
  rowsOf,
  stackedRows,
  tokensOf,
  joinedTokens,
  type KvBlock,
  type Matrix,
  type Method,
  type PartialSoftmax,
  type Shape,
  readAnew,
} from '@sublinear/core'
import {
  quantisedMethod,
  quantisedStream,
  restoreQuantisedStream,
  type QuantisedStreamOptions,
} from '../policies/quantised-stream'
import type { TokenTier } from '../token-tier'
import { namedInMetric, namedStacks } from './named-stacks'
import { chosenStack } from './own-trial'
import type { Stack, StackBudget } from './stack'
import { taughtStack } from './taught-stack'

const made = readAnew<FirstTokens, 'tokens' | 'bytes' | 'room' | 'spare'>()

/** Bits that the first tokens and their queries are held in, the finest first. */
const BITS = [8, 7, 6, 5]
/**
 * Numbers of first tokens: the most that are looked at; enough to hold them in given bits, since they are rounded again later; the fewest that are worth it.
 */
const [MOST, ENOUGH, LEAST] = [512, 256, 64]
/** Tokens that wait exactly, and tokens whose mean is the centre of the codes. */
const [BUFFER, FIRST] = [8, 16]

/** Sizes of the store of first tokens, which is there until a stack is chosen. */
export interface Learning {
  readonly tokens: number
  readonly bits: number
}

const optionsOf = (bits: number): QuantisedStreamOptions => ({
  keyBits: bits,
  valueBits: bits,
  buffer: BUFFER,
  first: FIRST,
})
/** Options for queries: they are held as the keys of tokens whose values are one number. */
const askedOptions = (bits: number): QuantisedStreamOptions => ({ ...optionsOf(bits), valueBits: 2 })

/**
 * How many first tokens a budget has room for before a stack is chosen, and in which bits; undefined where they are too few, or where all tokens to come have
 * room in the finest bits.
 */
export function learningWithin(budget: StackBudget & { readonly tokens: number }): Learning | undefined {
  const { d, dv, scale, budgetBytes, weighted, tokens } = budget
  const bytes = (count: number, bits: number) =>
    quantisedMethod.bytes({ d, dv, scale }, optionsOf(bits), { tokens: count, weighted }) +
    quantisedMethod.bytes({ d, dv: 1, scale }, askedOptions(bits), { tokens: count })
  const found = BITS.map((bits) => ({
    bits,
    tokens: largestWithin((count) => bytes(count, bits), budgetBytes, { least: LEAST, most: MOST }) ?? 0,
  }))
  const best = found.find((one) => one.tokens >= ENOUGH) ?? found.at(-1)!
  return best.tokens >= LEAST && best.tokens < tokens ? best : undefined
}

/** Checks that so many of the newest tokens can be taken back. @throws RangeError when they cannot */
export function checkSpare(who: string, { spare }: Pick<FirstTokens, 'spare'>, count: number): void {
  if (count > spare) throw new RangeError(`${who}: can take back at most ${spare} tokens now, got ${count}`)
}

/** The first tokens of a stream with their queries, in few bits, until there are enough to choose a stack by. */
export interface FirstTokens extends Disposable {
  readonly tokens: number
  readonly bytes: number
  /** The stream that answers over them. */
  readonly held: TokenTier
  /** Number of tokens for which there is room. */
  readonly room: number
  readonly spare: number
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
  const held = quantisedStream(optionsOf(learning.bits))(shape)
  const asked = quantisedStream(askedOptions(learning.bits))({ d, dv: 1, scale })
  return live(learning, held as TokenTier, asked as TokenTier)
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
  const [held, asked] = [restoreQuantisedStream(saved.held), restoreQuantisedStream(saved.asked)]
  checkFits(who, held.tokens <= learning.tokens && asked.tokens <= held.tokens)
  return live(learning, held, asked)
}

/** Parameters of a snapshot that do not change as tokens come. */
function sizesIn(saved: Uint8Array): string {
  const { tokens: _, ...sizes } = decodeSnapshot(saved).parameters
  return JSON.stringify(sizes)
}

/** All tokens of a tier, those that wait at the end. */
const read = (tier: TokenTier): KvBlock => joinedTokens(tier.read(), tier.waits()) ?? tier.read()

function live(learning: Learning, held: TokenTier, asked: TokenTier): FirstTokens {
  /** One query for each token, taken from its group in turn. */
  const ask = (queries: Matrix, rows: number, first: number) => {
    const groups = queries.rows / rows
    const picked = stackedRows(
      Array.from({ length: rows }, (_, r) => {
        const at = r * groups + ((first + r) % groups)
        return rowsOf(queries, at, at + 1)
      }),
    )
    asked.push({ keys: picked, values: matrix(rows, 1) })
  }
  return made(
    {
      tokens: () => held.tokens,
      bytes: () => held.bytes + asked.bytes,
      room: () => learning.tokens - held.tokens,
      spare() {
        return Math.max(
          0,
          Math.min(held.spare ?? 0, asked.tokens > 0 ? (asked.spare ?? 0) : Infinity, learning.tokens - held.tokens),
        )
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
      takeBack(count) {
        held.takeBack!(count)
        asked.takeBack!(Math.min(count, asked.tokens))
      },
      chosen(usual, budget, methods) {
        const block = read(held)
        if (asked.tokens === 0) return undefined
        const queries = read(asked).keys
        const named = namedStacks(budget, methods)
        const stacks = { usual, others: [...named, ...namedInMetric(named, queries, budget, methods)] }
        const best = chosenStack({ block, queries }, stacks, budget, methods)
        return best && taughtStack(best, queries)
      },
      blocks() {
        const block = read(held)
        const [rows, queries] = [block.keys.rows, asked.tokens > 0 ? read(asked).keys : undefined]
        const from = rows - (queries?.rows ?? 0)
        return [
          ...(from > 0 ? [{ block: tokensOf(block, 0, from) }] : []),
          ...(queries ? [{ block: tokensOf(block, from, rows), queries }] : []),
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
