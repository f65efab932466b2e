import {
  decodeSnapshot,
  type AttentionStream,
  type Method,
  type Pilot,
  type Shape,
  type TierMethod,
  type TierSpec,
  type Traffic,
  type Given,
} from '@sublinear/core'
import fc from 'fast-check'
import { attentionStreamLaws } from './attention-stream-laws'
import { queriesOf } from './cut-laws'
import { insist, law, sameBits, type Law } from './law'
import type { AttentionStreamLaws } from './stream-case'
import { pieces, randomTokens } from './token-data'

export interface MethodLaws<Options> extends Pick<AttentionStreamLaws, 'error' | 'tolerance' | 'scores'> {
  /** Shape of the streams. Default: d 3, dv 2, scale 0.5. */
  readonly shape?: Shape | undefined
  /** Restores snapshots that are nested in a snapshot. */
  readonly open?: ((bytes: Uint8Array) => AttentionStream) | undefined
  /** Options to try beside those of `within`. */
  readonly options?: readonly Options[] | undefined
  /** Budgets whose options are tried; the first is a small one. Default: 4000 and 20,000 bytes. */
  readonly budgets?: readonly number[] | undefined
  /** Number of tokens after which a stream of these budgets holds the most that it ever does. Default 600. */
  readonly long?: number | undefined
  /** Share of `bytes` that a long stream of some data leaves unused. Default 0: `bytes` is reached exactly. */
  readonly slack?: number | undefined
  /** Makes tiers with a tier of the method as the first part: `(spec, shape, buffer) => tiers({ ...shape, parts: [spec, exactStream], buffer })`. */
  readonly inTiers?:
    | ((
        spec: TierSpec,
        shape: Shape,
        buffer: number,
      ) => AttentionStream & { readonly parts: readonly AttentionStream[] })
    | undefined
}

/** Bytes that are enough for every token of the laws of streams. */
const ROOMY = 2 ** 20
const MOST_TOKENS = 1500
/** Most variants, and most refinements, that are tried for each budget. */
const MOST_TRIED = 12
/** Number of tokens, more than ever wait. */
const WAITING = 128
const traffics = fc.record({ groups: fc.constantFrom(1, 3), weighted: fc.boolean() })

/**
 * The laws of a method's record: `for (const law of methodLaws(windowMethod)) test(law.name, law.run)`. The laws of attention streams are
 * among them, for the stream that the method makes of a roomy budget.
 *
 * @returns laws that throw where they are broken; inputs are random with a fixed seed
 */
export function methodLaws<Options>(method: Method<Options>, given: MethodLaws<Options> = {}): Law[] {
  const { shape = { d: 3, dv: 2, scale: 0.5 }, budgets = [4000, 20_000], long = 600, slack = 0 } = given
  const { name, learns } = method
  const pilot = pilotOf(shape)
  const open = (bytes: Uint8Array): AttentionStream => method.open(bytes, given.open ?? open)
  const tried = (traffic: Traffic): Options[] => [
    ...budgets.flatMap((budget) => method.within(shape, budget, traffic, pilot) ?? []),
    ...(given.options ?? []),
  ]
  /** The most bytes held after any call, when tokens come one by one with their queries. */
  const peakOf = (
    stream: AttentionStream,
    of: { readonly bytes: number },
    n: number,
    { groups, weighted }: Stepped,
  ) => {
    const { block, queries } = heavyTokens(shape, n, groups, weighted)
    let peak = of.bytes
    for (const { piece, from, to } of pieces(block, [1])) {
      stream.step(piece, queriesOf(queries, groups, from, to))
      peak = Math.max(peak, of.bytes)
    }
    return peak
  }

  const named = law(
    { name: 'its name is the kind of its snapshots', kills: ['a second name'], runs: 4 },
    fc.nat(100),
    (n) => {
      insist(/^[a-z][A-Za-z0-9]*$/.test(name), `name must be one word in camelCase, got ${name}`)
      insist(method.source.length > 0, 'source must name a paper, or say that it is from none')
      for (const options of tried({ tokens: long })) {
        const stream = method.make(shape, options)
        stream.push(randomTokens(shape, n, { seed: n, scores: 1 }).block)
        const { kind } = decodeSnapshot(stream.toBytes())
        insist(kind === name, `the snapshot's kind is ${kind}, not ${name}`)
      }
    },
  )

  const covers = law(
    {
      name: 'bytes covers what is held after every call',
      kills: [
        'weights not counted',
        'query heads not counted',
        'a buffer not counted',
        'room that doubles not counted',
      ],
      runs: 16,
    },
    fc.record({
      traffic: traffics,
      n: fc.constantFrom(1, 63, 64, 65, 130, 300),
      cut: fc.array(fc.constantFrom(1, 5, 64, 200), { minLength: 1, maxLength: 3 }),
      steps: fc.boolean(),
    }),
    ({ traffic, n, cut, steps }) => {
      const { groups, weighted } = traffic
      const { block, queries } = heavyTokens(shape, n, groups, weighted)
      for (const options of tried({ tokens: n, ...traffic })) {
        const [most, ever] = [n, Infinity].map((tokens) => method.bytes(shape, options, { tokens, ...traffic })) as [
          number,
          number,
        ]
        insist(most <= ever, `bytes of ${n} tokens are ${most}, of any number ${ever}`)
        const stream = method.make(shape, options)
        for (const { piece, from, to } of pieces(block, cut)) {
          if (steps) stream.step(piece, queriesOf(queries, groups, from, to))
          else stream.push(piece)
          insist(stream.bytes <= most, `${stream.bytes} bytes are held after ${to} of ${n} tokens, above ${most}`)
        }
      }
    },
  )

  const reaches = law(
    {
      name: 'bytes is reached by a long stream',
      kills: ['a formula with slack', 'what is held no longer counted'],
      runs: 4,
    },
    traffics,
    (traffic) => {
      const n = long + WAITING
      for (const options of tried({ tokens: long, ...traffic })) {
        const ever = method.bytes(shape, options, { tokens: Infinity, ...traffic })
        const most = ever < Infinity ? ever : method.bytes(shape, options, { tokens: n, ...traffic })
        const stream = method.make(shape, options)
        const peak = peakOf(stream, stream, n, traffic)
        insist(
          peak <= most && peak >= (1 - slack) * most,
          `${n} tokens hold ${peak} bytes at most, not ${most}, with ${JSON.stringify(options)}`,
        )
      }
    },
  )

  const within = law(
    {
      name: 'within stays within, and what fits a budget fits every larger one',
      kills: ['a byte above the budget', 'a gap between budgets', 'options that make refuses', 'variants too large'],
      runs: 8,
    },
    fc.record({ traffic: traffics, tokens: fc.constantFrom(10, 300, 5000, Infinity), jitter: fc.nat(40) }),
    ({ traffic, tokens, jitter }) => {
      const own = { tokens, ...traffic }
      let before: number | undefined
      for (let step = 0; step < 40; step++) {
        const budget = Math.floor(16 * 1.35 ** step) + jitter
        const options = method.within(shape, budget, own, pilot)
        insist(options !== undefined || before === undefined, `${before} bytes are enough, and ${budget} are not`)
        if (options === undefined) continue
        before = budget
        const bytes = method.bytes(shape, options, own)
        insist(bytes <= budget, `within ${budget} bytes it gives options of ${bytes}`)
        if (step % 8 === 0) method.make(shape, options)
        if (step % 8 !== 4 || tokens === Infinity) continue
        const near = method.refine?.(shape, options, budget, own) ?? []
        for (const other of [...(method.variants?.(shape, budget, own, pilot) ?? []), ...near].slice(0, MOST_TRIED)) {
          const most = method.bytes(shape, other, own)
          insist(most <= budget, `worth trying within ${budget} bytes are options of ${most}`)
          method.make(shape, other)
        }
      }
    },
  )

  const plain = law(
    { name: 'its options are plain JSON', kills: ['an object among them', 'a number that JSON has not'], runs: 4 },
    traffics,
    (traffic) => {
      const { block, queries } = heavyTokens(shape, 200, traffic.groups, traffic.weighted)
      for (const options of tried({ tokens: long, ...traffic })) {
        if (!isPlain(options)) continue // a store is an object
        const again = JSON.parse(JSON.stringify(options)) as Options
        const [one, other] = [method.make(shape, options), method.make(shape, again)]
        for (const stream of [one, other]) stream.step(block, queries)
        sameBits(other.toBytes(), one.toBytes(), `the snapshot of options that went through JSON`)
      }
    },
  )

  const rates = law(
    {
      name: 'at a rate it makes a stream that is no larger',
      kills: ['counts of 0', 'a rate that is not applied'],
      runs: 6,
    },
    fc.record({ traffic: traffics, rate: fc.constantFrom(1, 0.5, 0.1, 0.001) }),
    ({ traffic, rate }) => {
      const { block, queries } = heavyTokens(shape, 100, traffic.groups, traffic.weighted)
      for (const options of tried({ tokens: long, ...traffic })) {
        const fewer = method.atRate?.(shape, options, rate) ?? options
        const own = { tokens: Infinity, ...traffic }
        insist(
          method.bytes(shape, fewer, own) <= method.bytes(shape, options, own),
          `at a rate of ${rate} it is larger`,
        )
        method.make(shape, fewer).step(block, queries)
      }
    },
  )

  const taught = law(
    { name: 'where it learns nothing, step and push are one', kills: ['queries that teach, untold'], runs: 6 },
    fc.record({ traffic: traffics, n: fc.constantFrom(65, 300) }),
    ({ traffic, n }) => {
      const { block, queries } = heavyTokens(shape, n, traffic.groups, traffic.weighted)
      for (const options of tried({ tokens: n, ...traffic })) {
        if (method.needsQueries?.(options) ?? learns !== 'nothing') continue
        const [pushed, stepped] = [method.make(shape, options), method.make(shape, options)]
        pushed.push(block)
        stepped.step(block, queries)
        sameBits(stepped.toBytes(), pushed.toBytes(), 'the snapshot after a step, against push')
      }
    },
  )

  const tier = method as unknown as TierMethod<Options>
  const inTiers = law(
    {
      name: 'as a first part of tiers its bytes are tierBytes',
      kills: ['a buffer counted twice', 'tokens that wait not observed'],
      runs: 4,
    },
    fc.record({ traffic: traffics, buffer: fc.constantFrom(1, 16, 64) }),
    ({ traffic, buffer }) => {
      for (const options of tried({ tokens: long, ...traffic })) {
        const stream = given.inTiers!(tier.tier(options), shape, buffer)
        const part = stream.parts[0]
        const n = long + WAITING
        const peak = peakOf(stream, part, n, traffic)
        const most = tier.tierBytes(shape, options, { tokens: n, ...traffic }, buffer)
        const ever = tier.tierBytes(shape, options, { tokens: Infinity, ...traffic }, buffer)
        insist(peak <= most && most <= ever, `${peak} bytes are held, above ${most} or ${ever}`)
        if (ever < Infinity) insist(peak >= (1 - slack) * ever, `${peak} bytes are held at most, not ${ever}`)
      }
    },
  )

  const roomy = method.within(shape, ROOMY, { tokens: MOST_TOKENS, weighted: true }, pilot)
  insist(roomy !== undefined, `${name}: a megabyte must be enough for ${MOST_TOKENS} tokens`)
  const { error, tolerance, scores } = given
  const ofStream = attentionStreamLaws({
    name,
    make: () => method.make(shape, roomy!),
    restore: open,
    ...(error !== undefined && { error }),
    ...(tolerance !== undefined && { tolerance }),
    ...(scores !== undefined && { scores }),
  })
  const own = [
    named,
    covers,
    reaches,
    within,
    plain,
    rates,
    ...(learns === 'nothing' || method.needsQueries ? [taught] : []),
    ...(given.inTiers && 'tier' in method ? [inTiers] : []),
  ]
  return [...own.map((one) => ({ ...one, name: `${name}: ${one.name}` })), ...ofStream]
}

type Stepped = Given<Pick<Traffic, 'groups' | 'weighted'>>

/** Makes random tokens; where they have weights, none weighs 1. */
function heavyTokens(shape: Shape, n: number, groups: number, weighted: boolean) {
  const { block, queries } = randomTokens(shape, n, { seed: n, scores: 1, weighted, groups })
  return { block: { ...block, ...(block.weights && { weights: block.weights.map((w) => w + 1) }) }, queries }
}

function pilotOf(shape: Shape): Pilot {
  const { block, queries } = randomTokens(shape, 128, { seed: 77, scores: 1 })
  return { queries, keys: block.keys, values: block.values }
}

/** Whether JSON can hold a value. */
function isPlain(options: unknown): boolean {
  if (typeof options !== 'object' || options === null)
    return typeof options !== 'function' && typeof options !== 'bigint'
  return Object.values(options).every(isPlain)
}
