import {
  asksBars,
  checkBlock,
  checkHead,
  checkInteger,
  checkObject,
  decodeSnapshot,
  emptyPartial,
  encodeSnapshot,
  FRAME_FEATURES,
  headOf,
  HELD_FEATURES,
  isPartial,
  nestedIn,
  nestedSnapshot,
  queryGroups,
  rowsOf,
  rowsOfPartial,
  shapeIn,
  tokensOf,
  type AskBars,
  type AttentionStream,
  type Checks,
  type KvBlock,
  type Matrix,
  type Method,
  type PartialSoftmax,
  type Shape,
  readAnew,
} from '@sublinear/core'
import { restoreTiers, type Tiers } from '../tiers'
import { checkBuilt, checkLearning, limitsIn, type Limits } from './auto-limits'
import { checkStack } from './check-stack'
import { defaultStack, isFinest } from './default-stack'
import { firstTokens, learningWithin, restoreFirstTokens, type FirstTokens } from './first-tokens'
import { builtStack, copyOfStack, countsWithin, leastBytes, withoutCaps, type Stack } from './stack'

const made = readAnew<
  AutoStream,
  'stack' | 'isLearning' | 'parts' | 'tokens' | 'bytes' | 'counters' | 'errorBars' | 'spare'
>()

const [KIND, VERSION] = ['auto', '4'] as const

export interface AutoStreamOptions extends Shape {
  /** Bytes that the stream never exceeds, everything counted, after every call, however many tokens come. */
  readonly budgetBytes: number
  /** Number of tokens to come. A longer stream is taken, too, within the same bytes. */
  readonly tokens: number
  /** A stack of tiers, as `plan` finds it for a head. Default: tokens that receive attention, far keys, and one mean token. */
  readonly stack?: Stack | undefined
  /** Whether it chooses a stack by its first tokens and their queries. Default: false. It suits diffuse heads, and may lose needles of sharp ones. */
  readonly learn?: boolean | undefined
  /**
   * Seed of the dither of its codes, an integer ≥ 0. Answers then have error bars, against attention over all tokens, and a quarter of the bytes holds a sample
   * of the tokens that no tier keeps. A `stack` has a `dither` of its own. Default: none.
   */
  readonly errorBars?: number | undefined
  /** Whether tokens of weights other than 1 may come, for 8 more bytes a held token. Default: false. */
  readonly weighted?: boolean | undefined
}

export interface AutoStream extends AttentionStream, Disposable {
  readonly budgetBytes: number
  /** The stack. Until one is chosen: the stack that the stream takes if its first tokens say too little. */
  readonly stack: Stack
  /** Whether all tokens are still held as first tokens, by which a stack will be chosen. */
  readonly isLearning: boolean
  readonly parts: readonly AttentionStream[]
  readonly counters: Readonly<Record<string, number>>
}

/** Options without the shape: plain JSON, as a plan has them. */
export type AutoOptions = Omit<AutoStreamOptions, keyof Shape>

/**
 * An attention stream within a byte budget, made of the stack of its head: tokens that receive attention, far keys and clusters in few bits, and a small
 * summary of the others. It learns attention from queries in `step`; of tokens that are pushed without queries, it keeps the newest instead.
 * Source: not from the papers. The tiers are those that `plan` chose; counts follow from the bytes. With `learn` the first tokens are held
 *   with a quarter of their queries, in 8 to 5 bits: as many as the budget has room for, up to 1536. Then the named stacks are tried on them, plain and in the metric of these queries, at the rate of
 *   the tokens to come, and the best takes these tokens and goes on. The default stack is taken where all tokens to come have room in 8 and 6 bits, or where
 *   the first tokens came without queries, were turned by place (`rotary`), have capped scores, or are fewer than 64. With a `softcap` every part of the stack must know it.
 *
 * Guarantee: bytes ≤ budgetBytes after every call. Exact over the tokens held, as their store rounds them; for the others, the guarantee of the last part.
 *   The choice is the same however the stream is cut; it says nothing of single old tokens that are asked for much later. Merging is 'none'.
 * Cost: that of its tiers: O(d·(tokens held)) for every few tokens, and as much a query. The call in which a stack is chosen takes as long as 4000 to 20000
 *   tokens, and needs the bytes of one more stack while it lasts.
 *
 * @param d, dv, scale  the shape; budgetBytes  bytes of everything held; tokens  number of tokens to come; methods  methods that the stack may name
 * @param stack  tiers for any budget; learn  whether the stream chooses them itself; errorBars  seed of a dither; weighted  whether weights may come
 * @throws TypeError, RangeError when an option is out of range or the budget too small for the stack; from push and step for weights without `weighted`
 */
export function autoStream(options: AutoStreamOptions, methods: readonly Method[]): AutoStream {
  const { d, dv, scale, budgetBytes, weighted = false } = checkObject('autoStream', options)
  checkBudget(options)
  if (options.stack !== undefined) checkStack('autoStream', 'stack', options.stack, methods)
  const head = headOf(options)
  const { tokens, errorBars: dither, softcap } = options
  const budget = { d, dv, scale, budgetBytes, weighted, softcap }
  const stack = copyOfStack(
    options.stack ?? defaultStack({ ...budget, tokens, ...(dither !== undefined && { dither }) }, methods),
  )
  const unable = softcap === undefined ? undefined : withoutCaps(stack, methods)
  if (unable !== undefined)
    throw new RangeError(
      `autoStream: stack must be of methods that can do softcap, such as window, farKeys and clusters, got ${unable}`,
    )
  const counts = countsWithin(stack, budget, methods)
  if (!counts) {
    const least = leastBytes(stack, budget, methods)
    if (least === Infinity)
      throw new RangeError(`autoStream: stack.rest must be a method for a scale of ${scale}, got ${stack.rest}`)
    throw new RangeError(`autoStream: budgetBytes must hold the stack, at least ${least}, got ${budgetBytes}`)
  }
  const shape = { d, dv, scale, ...head }
  const limits = { budgetBytes, weighted, stack }
  const isAsked = options.learn === true && (head.rotary ?? softcap) === undefined && !isFinest(stack)
  const learning = isAsked ? learningWithin({ ...budget, tokens }) : undefined
  if (learning) return live(shape, methods, { ...limits, tokens, learning }, { first: firstTokens(shape, learning) })
  return live(shape, methods, limits, { inner: builtStack(stack, counts, shape, methods) })
}

/**
 * Restores an auto stream from its snapshot; it goes on bit for bit. `open` restores the streams inside.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or hold more than their budget
 */
export function restoreAutoStream(
  bytes: Uint8Array,
  open: (bytes: Uint8Array) => AttentionStream,
  methods: readonly Method[],
): AutoStream {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const limits = limitsIn(KIND, snapshot, methods)
  const within = (held: number) => {
    if (held > limits.budgetBytes)
      throw new RangeError(`${KIND}: budgetBytes must be at least what is held, ${held}, got ${limits.budgetBytes}`)
  }
  const learning = limits.learning && ((shape: Shape) => checkLearning(KIND, shape, limits, methods))
  if (learning && !limits.chosen) {
    const [held, asked] = [nestedSnapshot(snapshot, 'held'), nestedSnapshot(snapshot, 'asked')]
    const shape = shapeIn(KIND, decodeSnapshot(held), FRAME_FEATURES)
    const first = restoreFirstTokens(KIND, shape, learning(shape), { held, asked })
    within(first.bytes)
    return live(shape, methods, limits, { first })
  }
  const saved = nestedSnapshot(snapshot, 'tiers')
  const inner = restoreTiers(saved, open)
  checkBuilt(KIND, saved, inner, limits, methods)
  within(inner.bytes)
  const { d, dv, scale, head } = inner
  learning?.({ d, dv, scale })
  return live({ d, dv, scale, ...head }, methods, limits, { inner })
}

function checkBudget(options: AutoStreamOptions): void {
  const who = 'autoStream'
  checkHead(who, options, HELD_FEATURES, ['budgetBytes', 'tokens', 'stack', 'learn', 'errorBars', 'weighted'])
  const { budgetBytes, tokens, stack, learn = false, errorBars, weighted = false } = options
  if (errorBars !== undefined) checkInteger(who, 'errorBars', errorBars, 0)
  checkInteger(who, 'budgetBytes', budgetBytes, 1)
  if (tokens !== Infinity) checkInteger(who, 'tokens', tokens, 1)
  for (const [name, is] of Object.entries({ weighted, learn }))
    if (typeof is !== 'boolean') throw new TypeError(`${who}: ${name} must be true or false, got ${typeof is}`)
  if (learn && (stack ?? errorBars) !== undefined)
    throw new TypeError(`${who}: learn must be false where ${stack ? 'a stack is' : 'errorBars are'} given`)
}

/** State of the stream: its first tokens while no stack is chosen, then the tiers of a stack. */
type Now =
  | { readonly first: FirstTokens; readonly inner?: undefined }
  | { readonly first?: undefined; readonly inner: Tiers }

function live(shape: Shape, methods: readonly Method[], limits: Limits, now: Now): AutoStream {
  const [{ d, dv, scale }, head] = [shape, headOf(shape)]
  const { budgetBytes, weighted } = limits
  let chosen = limits.chosen ?? limits.stack
  const refuse = (block: KvBlock, isSound = false) => {
    if (!isSound) checkBlock(KIND, block, d, dv)
    const at = weighted ? -1 : (block.weights?.findIndex((weight) => weight !== 1) ?? -1)
    if (at >= 0)
      throw new RangeError(
        `${KIND}: weights must be 1 unless the stream is weighted, got ${block.weights![at]} in row ${at}`,
      )
  }
  /** The limits as they are now, with the stack that was chosen, if one was. */
  const said = (): Limits => {
    const { chosen: _, ...own } = limits
    return own.learning && now.inner ? { ...own, chosen } : own
  }
  const current = () => now.inner ?? now.first.held
  /** Chooses a stack by the first tokens, and gives them to it. */
  const settle = (first: FirstTokens): Tiers => {
    const budget = { d, dv, scale, budgetBytes, weighted }
    const own = copyOfStack(
      first.chosen(limits.stack, { ...budget, tokens: limits.tokens ?? Infinity }, methods) ?? limits.stack,
    )
    const inner = builtStack(own, countsWithin(own, budget, methods)!, shape, methods)
    for (const { block, queries } of first.blocks()) {
      if (queries) inner.step(block, queries)
      else inner.push(block)
    }
    first[Symbol.dispose]()
    now = { inner }
    chosen = own
    return inner
  }
  /** Cuts a block: gives rows to the state that has room for them, one part of the block after the other. */
  const cut = (rows: number, give: (to: FirstTokens | Tiers, from: number, end: number) => void) => {
    for (let from = 0; from < rows;) {
      const first = now.first && now.first.room > 0 ? now.first : undefined
      const end = first ? Math.min(rows, from + first.room) : rows
      give(first ?? now.inner ?? settle(now.first), from, end)
      from = end
    }
  }
  const check: Checks = {
    push(block, isSound) {
      refuse(block, isSound)
      current().check.push(block, true)
    },
    step(block, queries, isSound) {
      refuse(block, isSound)
      current().check.step(block, queries, isSound)
    },
    merge() {
      throw new RangeError(`${KIND}: cannot merge, merging is none`)
    },
    takeBack(count) {
      current().check.takeBack?.(count)
      now.first?.check(count) // their queries are taken back, too
    },
  }
  return made(
    {
      stack: () => chosen,
      isLearning: () => now.first !== undefined,
      parts: () => now.inner?.parts ?? [now.first!.held],
      tokens: () => current().tokens,
      bytes: () => (now.inner ?? now.first).bytes,
      counters: () => now.inner?.counters ?? {},
      errorBars: () => current().errorBars ?? 'its parts know of none',
      spare: () => (now.inner ?? now.first).spare,
    },
    {
      d,
      dv,
      scale,
      ...(Object.keys(head).length > 0 && { head }),
      budgetBytes,
      merging: 'none',
      check,
      push(block) {
        refuse(block)
        cut(block.keys.rows, (to, from, end) => to.push(tokensOf(block, from, end)))
      },
      attend: (queries, into) => current().attend(queries, into),
      step(block: KvBlock, queries: Matrix, into?: PartialSoftmax | AskBars) {
        if (now.inner || asksBars(into)) {
          if (!isPartial(into)) refuse(block)
          return current().step(block, queries, into)
        }
        if (!isPartial(into)) check.step(block, queries)
        const groups = queryGroups(KIND, block, queries)
        const out = isPartial(into) ? into : emptyPartial(queries.rows, dv)
        cut(block.keys.rows, (to, from, end) => {
          const [first, last] = [from * groups, end * groups]
          to.step(tokensOf(block, from, end), rowsOf(queries, first, last), rowsOfPartial(out, first, last))
        })
        return out
      },
      merge: check.merge,
      toBytes() {
        const saved = Object.entries(now.inner ? { tiers: now.inner } : now.first.parts()).map(([name, part]) =>
          nestedIn(name, part.toBytes()),
        )
        return encodeSnapshot({
          kind: KIND,
          version: VERSION,
          parameters: {
            ...Object.assign({}, ...saved.map(({ parameters }) => parameters)),
            limits: JSON.stringify(said()),
          },
          tensors: Object.assign({}, ...saved.map(({ tensors }) => tensors)),
        })
      },
      fork: () => live(shape, methods, said(), now.inner ? { inner: now.inner.fork() } : { first: now.first.fork() }),
      reset() {
        const { learning } = limits
        if (!learning) return now.inner!.reset()
        const first = firstTokens(shape, learning)
        ;(now.inner ?? now.first)[Symbol.dispose]()
        now = { first }
        chosen = limits.stack
      },
      takeBack: (count) => (now.inner ?? now.first).takeBack(count),
      [Symbol.dispose]: () => (now.inner ?? now.first)[Symbol.dispose](),
    },
  )
}
