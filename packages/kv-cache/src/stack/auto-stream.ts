import {
  checkBlock,
  checkHead,
  checkInteger,
  decodeSnapshot,
  encodeSnapshot,
  FRAME_FEATURES,
  headOf,
  isPartial,
  nestedIn,
  nestedSnapshot,
  type AskBars,
  type AttentionStream,
  type Checks,
  type KvBlock,
  type Matrix,
  type Method,
  type PartialSoftmax,
  type Shape,
} from '@sublinear/core'
import { restoreTiers, type Tiers } from '../tiers'
import { checkStack } from './check-stack'
import { defaultStack } from './default-stack'
import { builtStack, copyOfStack, countsWithin, leastBytes, type Stack } from './stack'

const KIND = 'auto'
const VERSION = '2'

export interface AutoStreamOptions extends Shape {
  /** Everything held, after every call, however many tokens come. */
  readonly budgetBytes: number
  /** The length to come. A longer stream is taken, within the same bytes. */
  readonly tokens: number
  /** A stack of tiers, as `plan` finds it for a head. Without one: tokens that receive attention, far keys, and one mean token. */
  readonly stack?: Stack | undefined
  /**
   * Seed of the dither of its codes, an integer ≥ 0: then answers have error bars, against attention over all tokens, and a quarter of the bytes holds a sample of
   * those that no tier keeps. A stack of your own says so itself. Default: none.
   */
  readonly errorBars?: number | undefined
  /** Whether tokens of weights other than 1 may come, for 8 bytes more a token held. Default false. */
  readonly weighted?: boolean | undefined
}

export interface AutoStream extends AttentionStream, Disposable {
  readonly budgetBytes: number
  readonly stack: Stack
  readonly parts: readonly AttentionStream[]
  readonly counters: Readonly<Record<string, number>>
}

/** Options that are not the shape: plain JSON, as a plan has it. */
export type AutoOptions = Omit<AutoStreamOptions, keyof Shape>

/**
 * An attention stream within a byte budget, by the stack of its head: tokens that receive attention and far keys in few bits, and something small for
 * all the others. Attention is learned from the queries that come with tokens, in `step`; of pushed tokens the newest stand for them.
 * Source: not from the papers. Tiers (`@sublinear/kv-cache`) as `plan` chose them; counts follow from the bytes.
 *
 * Guarantee: bytes ≤ budgetBytes after every call. Exact over the tokens held, as their store rounds them; for the rest what its last part
 *   promises. Merging is 'none'.
 * Cost: that of its tiers: O(d·(tokens held)) for every few tokens, and as much a query.
 *
 * @param d, dv, scale  the shape; budgetBytes  of everything held; tokens  the length to come
 * @param stack  tiers for any budget, which share its bytes out; errorBars  seed of a dither, for error bars; weighted  whether weights other than 1 may come
 * @param methods  those that the stack may name
 * @throws TypeError, RangeError when an option is out of range, the stack is none, or the budget too small for it;
 *   from push and step also when a weight is not 1 and `weighted` was not asked for
 */
export function autoStream(options: AutoStreamOptions, methods: readonly Method[]): AutoStream {
  const { d, dv, scale, budgetBytes, weighted = false } = options
  checkBudget(options)
  if (options.stack !== undefined) checkStack('autoStream', 'stack', options.stack, methods)
  const head = headOf(options)
  const budget = { d, dv, scale, budgetBytes, weighted }
  const { errorBars: dither } = options
  const stack = copyOfStack(
    options.stack ??
      defaultStack({ ...budget, tokens: options.tokens, ...(dither !== undefined && { dither }) }, methods),
  )
  const counts = countsWithin(stack, budget, methods)
  if (!counts) {
    const least = leastBytes(stack, budget, methods)
    if (least === Infinity)
      throw new RangeError(`autoStream: stack.rest must be a method for a scale of ${scale}, got ${stack.rest}`)
    throw new RangeError(`autoStream: budgetBytes must hold the stack, at least ${least}, got ${budgetBytes}`)
  }
  return live(builtStack(stack, counts, { d, dv, scale, ...head }, methods), { budgetBytes, weighted, stack })
}

/**
 * An auto stream from its snapshot, resuming bit for bit; `open` restores what is inside.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or hold more than their budget
 */
export function restoreAutoStream(
  bytes: Uint8Array,
  open: (bytes: Uint8Array) => AttentionStream,
  methods: readonly Method[],
): AutoStream {
  const snapshot = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const limits = limitsIn(snapshot.parameters['limits'], methods)
  const saved = nestedSnapshot(snapshot, 'tiers')
  const inner = restoreTiers(saved, open)
  checkBuilt(saved, inner, limits, methods)
  if (inner.bytes > limits.budgetBytes)
    throw new RangeError(
      `${KIND}: budgetBytes must be at least what is held, ${inner.bytes}, got ${limits.budgetBytes}`,
    )
  return live(inner, limits)
}

interface Limits {
  readonly budgetBytes: number
  readonly weighted: boolean
  readonly stack: Stack
}

function checkBudget(options: AutoStreamOptions): void {
  const who = 'autoStream'
  checkHead(who, options, FRAME_FEATURES, ['budgetBytes', 'tokens', 'stack', 'errorBars', 'weighted'])
  const { budgetBytes, tokens, errorBars, weighted = false } = options
  if (errorBars !== undefined) checkInteger(who, 'errorBars', errorBars, 0)
  checkInteger(who, 'budgetBytes', budgetBytes, 1)
  if (tokens !== Infinity) checkInteger(who, 'tokens', tokens, 1)
  if (typeof weighted !== 'boolean')
    throw new TypeError(`${who}: weighted must be true or false, got ${typeof weighted}`)
}

/** @throws RangeError where the parts of saved tiers are not those of this stack within this budget */
function checkBuilt(saved: Uint8Array, { d, dv, scale }: Shape, limits: Limits, methods: readonly Method[]): void {
  const { stack, budgetBytes, weighted } = limits
  const shape = { d, dv, scale }
  const counts = countsWithin(stack, { ...shape, budgetBytes, weighted }, methods)
  const fresh = counts && builtStack(stack, counts, shape, methods)
  const wanted = fresh && sizesIn(fresh.toBytes())
  fresh?.[Symbol.dispose]()
  if (sizesIn(saved) !== wanted)
    throw new RangeError(`${KIND}: the tiers of the snapshot must be those of its stack within ${budgetBytes} bytes`)
}

/** Parameters that decide how much a part holds, and how it chooses. */
const SIZES = [
  'count',
  'store',
  'options',
  'sinks',
  'seed',
  'buffer',
  'clusters',
  'features',
  'halving',
  'capacity',
  'blockSize',
  'levels',
]

/** The sizes of saved tiers, as text. */
function sizesIn(saved: Uint8Array): string {
  const { parameters } = decodeSnapshot(saved)
  const parts = Array.from({ length: Number(parameters['parts']) }, (_, i) => {
    const { kind, parameters: own } = JSON.parse(parameters[`part-${i}`] ?? '{}') as {
      readonly kind?: string | undefined
      readonly parameters?: Record<string, string> | undefined
    }
    return [kind, ...SIZES.map((name) => own?.[name])]
  })
  return JSON.stringify([parameters['buffer'], parameters['waiting'], parts])
}

function limitsIn(json: string | undefined, methods: readonly Method[]): Limits {
  let found: Partial<Limits> | undefined
  try {
    found = JSON.parse(json ?? '') as Partial<Limits> | undefined
  } catch {
    // said below
  }
  const { budgetBytes, weighted, stack } = found ?? {}
  if (typeof weighted !== 'boolean' || !Number.isInteger(budgetBytes) || budgetBytes! < 1 || !stack)
    throw new RangeError(`${KIND}: the snapshot does not say its budget and whether it is weighted`)
  try {
    checkStack(KIND, 'stack', stack, methods)
  } catch (error) {
    throw new RangeError((error as Error).message, { cause: error })
  }
  return { budgetBytes: budgetBytes!, weighted, stack: copyOfStack(stack) }
}

function live(inner: Tiers, { budgetBytes, weighted, stack }: Limits): AutoStream {
  const { d, dv, scale, head } = inner
  const refuse = (block: KvBlock, isSound = false) => {
    if (!isSound) checkBlock(KIND, block, d, dv)
    const at = weighted ? -1 : (block.weights?.findIndex((weight) => weight !== 1) ?? -1)
    if (at >= 0)
      throw new RangeError(
        `${KIND}: weights must be 1 unless the stream is weighted, got ${block.weights![at]} in row ${at}`,
      )
  }
  const check: Checks = {
    push(block, isSound) {
      refuse(block, isSound)
      inner.check.push(block, true)
    },
    step(block, queries, isSound) {
      refuse(block, isSound)
      inner.check.step(block, queries, isSound)
    },
    merge() {
      throw new RangeError(`${KIND}: cannot merge, merging is none`)
    },
    takeBack: (count) => inner.check.takeBack?.(count),
  }
  return {
    d,
    dv,
    scale,
    ...(head && { head }),
    budgetBytes,
    stack,
    parts: inner.parts,
    merging: 'none',
    check,
    get tokens() {
      return inner.tokens
    },
    get bytes() {
      return inner.bytes
    },
    get counters() {
      return inner.counters
    },
    push(block) {
      refuse(block)
      inner.push(block)
    },
    get errorBars() {
      return inner.errorBars ?? 'its parts know of none'
    },
    attend: (queries, into) => inner.attend(queries, into),
    step(block: KvBlock, queries: Matrix, into?: PartialSoftmax | AskBars) {
      if (!isPartial(into)) refuse(block)
      return inner.step(block, queries, into)
    },
    merge: check.merge,
    toBytes() {
      const { parameters, tensors } = nestedIn('tiers', inner.toBytes())
      const limits = JSON.stringify({ budgetBytes, weighted, stack })
      return encodeSnapshot({ kind: KIND, version: VERSION, parameters: { ...parameters, limits }, tensors })
    },
    fork: () => live(inner.fork(), { budgetBytes, weighted, stack }),
    reset: () => inner.reset(),
    get spare() {
      return inner.spare
    },
    takeBack: (count) => inner.takeBack(count),
    [Symbol.dispose]: () => inner[Symbol.dispose](),
  }
}
