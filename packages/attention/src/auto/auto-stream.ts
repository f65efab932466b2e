import {
  checkBlock,
  decodeSnapshot,
  encodeSnapshot,
  type AttentionStream,
  type KvBlock,
  type Shape,
} from '@sublinear/core'
import type { Tiers } from '@sublinear/kv-cache'
import { defaultStack } from './default-stack'
import { checkBudget, checkRecipe, checkStack, type Recipe } from './recipe'
import { builtStack, copyOf, countsWithin, leastBytes, type Stack } from './stack'

const KIND = 'auto'
const VERSION = '1'
/** The kind of what is inside. */
const INNER = 'tiers'

export interface AutoStreamOptions extends Shape {
  /** Everything held, after every call, however many tokens come. */
  readonly budgetBytes: number
  /** The length to come. A longer stream is taken, within the same bytes. */
  readonly tokens: number
  /** Of `calibrate`, made for this head. Without one: tokens that receive attention, far keys, and one mean token. */
  readonly recipe?: Recipe
  /** Whether tokens of weights other than 1 may come, for 8 bytes more a token held. Default false. */
  readonly weighted?: boolean
}

export interface AutoStream extends AttentionStream, Disposable {
  readonly budgetBytes: number
  readonly stack: Stack
  readonly parts: readonly AttentionStream[]
  readonly counters: Readonly<Record<string, number>>
}

/**
 * An attention stream within a byte budget, by the recipe of its head: tokens that receive attention and far keys in few bits, and something small for
 * all the others. Attention is learned from the queries that come with tokens, in `step`; of pushed tokens the newest stand for them.
 * Source: not from the papers. Tiers (`@sublinear/kv-cache`) as `calibrate` chose them; counts follow from the bytes.
 *
 * @param d, dv, scale  the shape; budgetBytes  of everything held; tokens  the length to come
 * @param recipe  for this shape; its budget and length may differ, since it shares bytes out
 * @param weighted  whether weights other than 1 may come
 * @throws TypeError, RangeError when an option is out of range, the recipe is none for this shape, or the budget too small for it;
 *   from push and step also when a weight is not 1 and `weighted` was not asked for
 * Guarantee: bytes ≤ budgetBytes after every call. Exact over the tokens held, as their store rounds them; for the rest what its last part
 *   promises. Merging is 'none'.
 * Cost: of its tiers: O(d·(tokens held)) for every few tokens, and as much a query.
 */
export function autoStream(options: AutoStreamOptions): AutoStream {
  const { d, dv, scale, recipe, weighted = false } = options
  checkBudget('autoStream', options)
  if (recipe !== undefined) checkRecipe('autoStream', recipe, options)
  if (typeof weighted !== 'boolean')
    throw new TypeError(`autoStream: weighted must be true or false, got ${typeof weighted}`)
  const stack = copyOf(recipe?.stack ?? defaultStack({ ...options, weighted }))
  const counts = countsWithin(stack, { ...options, weighted })
  if (!counts)
    throw new RangeError(
      `autoStream: budgetBytes must hold the stack of the recipe, at least ${leastBytes(stack, { d, dv, scale, weighted })}, got ${options.budgetBytes}`,
    )
  return live(builtStack(stack, counts, { d, dv, scale }), { ...options, weighted, stack })
}

/**
 * An auto stream from its snapshot, resuming bit for bit; `open` restores what is inside.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or hold more than their budget
 */
export function restoreAutoStream(bytes: Uint8Array, open: (bytes: Uint8Array) => AttentionStream): AutoStream {
  const { parameters, tensors } = decodeSnapshot(bytes, { kind: KIND, version: VERSION })
  const { auto, ...inside } = parameters
  const { inner: version, ...limits } = limitsIn(auto)
  // First the tiers, which know their shape from their tensors.
  const inner = open(
    encodeSnapshot({ kind: INNER, version, parameters: inside, tensors: Object.fromEntries(tensors) }),
  ) as Tiers
  checkBuilt(inside, inner, limits)
  if (inner.bytes > limits.budgetBytes)
    throw new RangeError(
      `${KIND}: budgetBytes must be at least what is held, ${inner.bytes}, got ${limits.budgetBytes}`,
    )
  return live(inner, limits)
}

/** What decides how much a part holds, and how it chooses. */
const SIZES = ['kind', 'count', 'store', 'recent', 'buffer', 'capacity', 'blockSize', 'levels']

/** @throws RangeError where the parameters of saved tiers are not those of this stack within this budget */
function checkBuilt(
  saved: Readonly<Record<string, string>>,
  { d, dv, scale }: Shape,
  { stack, budgetBytes, weighted }: Limits,
): void {
  const shape = { d, dv, scale }
  const counts = countsWithin(stack, { ...shape, budgetBytes, weighted })
  const fresh = counts && builtStack(stack, counts, shape)
  const wanted = fresh && sizesIn(decodeSnapshot(fresh.toBytes()).parameters)
  fresh?.[Symbol.dispose]()
  if (JSON.stringify(sizesIn(saved)) !== JSON.stringify(wanted))
    throw new RangeError(`${KIND}: the tiers of the snapshot must be those of its stack within ${budgetBytes} bytes`)
}

/** Of saved tiers: their buffer, and the sizes of each part. */
function sizesIn(saved: Readonly<Record<string, string>>): readonly (readonly (string | undefined)[])[] {
  const parts = Object.keys(saved).filter((name) => name.startsWith('part-'))
  return [[saved['buffer']], ...parts.map((_, i) => sizesOf(saved[`part-${i}`]))]
}

function sizesOf(json: string | undefined): readonly (string | undefined)[] {
  try {
    const { kind, parameters } = JSON.parse(json ?? '') as { readonly kind: string; parameters: Record<string, string> }
    return SIZES.map((name) => (name === 'kind' ? kind : parameters[name]))
  } catch {
    return []
  }
}

function limitsIn(json: string | undefined): Limits & { readonly inner: string } {
  let found: unknown
  try {
    found = JSON.parse(json ?? '')
  } catch {
    found = undefined
  }
  if (typeof found !== 'object' || found === null) throw new RangeError(`${KIND}: the snapshot does not say its budget`)
  const { inner, budgetBytes, weighted, stack } = found as Limits & { readonly inner: string }
  if (typeof inner !== 'string' || typeof weighted !== 'boolean' || !Number.isInteger(budgetBytes) || budgetBytes < 1)
    throw new RangeError(`${KIND}: the snapshot does not say its budget and whether it is weighted`)
  try {
    checkStack(KIND, 'stack', stack)
  } catch (error) {
    throw new RangeError((error as Error).message, { cause: error })
  }
  return { inner, budgetBytes, weighted, stack: copyOf(stack) }
}

interface Limits {
  readonly budgetBytes: number
  readonly weighted: boolean
  readonly stack: Stack
}

function live(inner: Tiers, { budgetBytes, weighted, stack }: Limits): AutoStream {
  const { d, dv, scale } = inner
  const checked = (block: KvBlock) => {
    checkBlock(KIND, block, d, dv)
    const at = weighted ? -1 : (block.weights?.findIndex((weight) => weight !== 1) ?? -1)
    if (at >= 0)
      throw new RangeError(
        `${KIND}: weights must be 1 unless the stream is weighted, got ${block.weights![at]} in row ${at}`,
      )
    return block
  }
  return {
    d,
    dv,
    scale,
    budgetBytes,
    stack,
    parts: inner.parts,
    merging: 'none',
    get tokens() {
      return inner.tokens
    },
    get bytes() {
      return inner.bytes
    },
    get counters() {
      return inner.counters
    },
    push: (block) => inner.push(checked(block)),
    attend: (queries) => inner.attend(queries),
    step: (block, queries) => inner.step(checked(block), queries),
    merge() {
      throw new RangeError(`${KIND}: cannot merge, merging is none`)
    },
    toBytes() {
      const { version, parameters, tensors } = decodeSnapshot(inner.toBytes())
      const auto = JSON.stringify({ inner: version, budgetBytes, weighted, stack })
      return encodeSnapshot({
        kind: KIND,
        version: VERSION,
        parameters: { ...parameters, auto },
        tensors: Object.fromEntries(tensors),
      })
    },
    [Symbol.dispose]: () => inner[Symbol.dispose](),
  }
}
