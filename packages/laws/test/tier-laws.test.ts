// The laws of tiers: a window of plain arrays passes all of them, and each mistake below is rejected by the law that is named for it.
// Kills: a law that compares nothing, a law that a mistake slips through.
import { decodeSnapshot, encodeSnapshot, joinedTokens, type KvBlock, type Tier } from '@sublinear/core'
import { describe, expect, test } from 'vitest'
import { tierLaws } from '../src'
import { part } from '../src/token-data'
import { referenceStream, restoreReference, type ReferenceStream } from './reference-stream'

const shape = { d: 3, dv: 2, scale: 0.5 }
const COUNT = 20

interface Change {
  /** Tokens that leave, given those that should. */
  readonly leaves?: (block: KvBlock) => KvBlock | undefined
  /** How many stay after a call with `rows` tokens. */
  readonly count?: (rows: number) => number
  /** Whether the newest go first. */
  readonly newest?: boolean
  readonly push?: (tier: Tier, block: KvBlock) => void
  /** Tokens admitted while nobody reads what leaves. */
  readonly dropped?: (block: KvBlock) => KvBlock
  /** Tokens absorbed of those of a later window. */
  readonly absorbs?: (held: KvBlock) => KvBlock
  readonly unchecked?: boolean
}

/** The last COUNT tokens of a plain float64 stream, with a mistake or without. */
function plainWindow(change: Change = {}, good: ReferenceStream = referenceStream(shape), before = 0): Tier {
  let tokens = before
  const { held } = good
  const admit = (block: KvBlock, dropped = false): KvBlock | undefined => {
    if (dropped && change.dropped) return admit(change.dropped(block))
    if (!change.unchecked || block?.weights === undefined) good.push(block)
    else good.push({ keys: block.keys, values: block.values })
    tokens += block.keys.rows
    const rows = held.weights.length - (change.count?.(block.keys.rows) ?? COUNT)
    if (rows <= 0) return undefined
    const [at, end] = change.newest ? [-rows, undefined] : [0, rows]
    const take = (list: number[], width: number) =>
      change.newest ? list.splice(at * width) : list.splice(0, end! * width)
    const out = {
      keys: { rows, cols: 3, data: Float32Array.from(take(held.keys, 3)) },
      values: { rows, cols: 2, data: Float32Array.from(take(held.values, 2)) },
      weights: Float32Array.from(take(held.weights, 1)),
    }
    return change.leaves ? change.leaves(out) : out
  }
  const tier = {
    admit,
    merging: 'ordered',
    absorb(later) {
      const bytes = later.toBytes()
      const theirs = allOf(restoreReference(bytes))
      const own = change.absorbs ? change.absorbs(theirs) : theirs
      tokens += Number(decodeSnapshot(bytes).parameters['tokens']) - own.keys.rows
      return admit(own)
    },
    toBytes() {
      const { tensors, ...snapshot } = decodeSnapshot(good.toBytes())
      const parameters = { ...snapshot.parameters, tokens: String(tokens) }
      return encodeSnapshot({ ...snapshot, parameters, tensors: Object.fromEntries(tensors) })
    },
    push: (block: KvBlock) => {
      if (change.push) change.push(tier, block)
      else admit(block)
    },
  } as Tier
  return new Proxy(tier, {
    get: (own, name) => (name === 'tokens' ? tokens : Reflect.get(name in own ? own : good, name)),
  })
}

const last = (block: KvBlock) => Array.from({ length: block.keys.rows }, (_, i) => i).slice(-COUNT)
const restoredWith = (change: Change) => (bytes: Uint8Array) =>
  plainWindow(change, restoreReference(bytes), Number(decodeSnapshot(bytes).parameters['tokens']))
const restore = restoredWith({})

function allOf({ held: { keys, values, weights } }: ReferenceStream): KvBlock {
  const rows = weights.length
  return {
    keys: { rows, cols: 3, data: Float32Array.from(keys) },
    values: { rows, cols: 2, data: Float32Array.from(values) },
    weights: Float32Array.from(weights),
  }
}

describe('a plain window passes', () => {
  for (const law of tierLaws({ name: 'window', make: () => plainWindow(), restore, stays: last }))
    test(law.name, law.run)
})

const mistakes: [string, string, Change, ((bytes: Uint8Array) => Tier)?][] = [
  [
    'loses a token on the way out',
    'what came',
    { leaves: (out) => (out.keys.rows > 1 ? part(out, 1, out.keys.rows) : undefined) },
  ],
  ['drops weights on the way out', 'what came', { leaves: ({ keys, values }) => ({ keys, values }) }],
  [
    'lets tokens go with another key',
    'what came',
    { leaves: (out) => ({ ...out, keys: { ...out.keys, data: out.keys.data.map((x) => -x) } }) },
  ],
  ['hands out an empty block', 'what came', { leaves: (out) => part(out, 0, 0) }],
  ['evicts the newest', 'policy', { newest: true }],
  ['keeps one too many', 'policy', { count: () => COUNT + 1 }],
  ['evicts at the end of a call', 'fixed places', { count: (rows) => COUNT - (rows % 2) }],
  [
    'push keeps everything it should not',
    'fixed places',
    { push: (tier, block) => void tier.admit(part(block, 0, Math.max(0, block.keys.rows - 1))) },
  ],
  ['a restored tier forgets', 'restored', {}, restoredWith({ count: () => COUNT - 1 })],
  [
    'keeps a token less while nobody reads',
    'dropped',
    { dropped: (block) => part(block, 0, block.keys.rows && block.keys.rows - 1) },
  ],
  ['absorb takes the first token twice', 'absorb', { absorbs: (held) => joinedTokens(part(held, 0, 1), held) ?? held }],
  ['absorb loses a token', 'absorb', { absorbs: (held) => part(held, 0, Math.max(0, held.keys.rows - 1)) }],
  ['absorb loses weights', 'absorb', { absorbs: ({ keys, values }) => ({ keys, values }) }],
  ['admit does not look at weights', 'broken admit', { unchecked: true }],
]

describe('each mistake is rejected by its law', () => {
  test.each(mistakes)('%s', (_, named, change, again = restore) => {
    const laws = tierLaws({ name: 'broken', make: () => plainWindow(change), restore: again, stays: last })
    const [law, ...others] = laws.filter(({ name }) => name.includes(named))
    expect(others).toEqual([])
    expect(law.run).toThrow()
  })

  test('every law rejects some mistake, and says which it kills', () => {
    for (const { name, kills } of tierLaws({ name: 'x', make: () => plainWindow(), restore, stays: last })) {
      expect(
        mistakes.some(([, named]) => name.includes(named)),
        name,
      ).toBe(true)
      expect(kills.length, name).toBeGreaterThan(0)
    }
  })
})
