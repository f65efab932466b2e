import type { KvBlock, Matrix, Tier } from '@sublinear/core'
import fc from 'fast-check'
import { pushed } from './cut-laws'
import { close, insist, law, refusal, sameBits, type Law } from './law'
import { answerOf, exactAnswer, part, pieces, randomTokens } from './token-data'

export interface TierLaws {
  /** Begins the name of every law. */
  readonly name: string
  /** Makes a fresh, empty tier, always the same one. */
  readonly make: () => Tier
  /** Restores the tier from a snapshot. */
  readonly restore?: ((bytes: Uint8Array) => Tier) | undefined
  /** An oracle of your own: the admitted tokens, given `buffer` at a time, that stay by the definition of the policy. */
  readonly stays?: ((block: KvBlock) => readonly number[]) | undefined
  /** Whether nothing leaves, since the tokens held stand for those that are not, as a sample and clusters do. Default: false. */
  readonly standsForAll?: boolean | undefined
  /** Largest difference of answers over the held tokens from exact ones. Default 1e-5, for a tier that holds tokens as they come. */
  readonly tolerance?: number | undefined
  /** Number of tokens that wait before the policy where the tier is pushed to by itself. Default 64. */
  readonly buffer?: number | undefined
}

const input = fc.record({
  n: fc.constantFrom(0, 1, 5, 63, 64, 65, 130, 300),
  seed: fc.nat(),
  weighted: fc.boolean(),
})
const cut = fc.array(fc.constantFrom(1, 5, 63, 64, 65, 200), { minLength: 1, maxLength: 3 })

/**
 * The laws of a tier, beside those of attention streams: `for (const law of tierLaws({ name, make, stays })) test(law.name, law.run)`.
 *
 * @param standsForAll  for tiers of which nothing leaves; then weights and constant values are compared, and not the tokens
 * @returns laws that throw where they are broken; inputs are random with a fixed seed
 */
export function tierLaws(options: TierLaws): Law[] {
  const { name, make, restore, stays, standsForAll = false, tolerance = 1e-5, buffer = 64 } = options
  const shape = make()
  /** Makes tokens whose first value is their place in the stream. */
  const tokens = (n: number, data: { seed: number; weighted: boolean }) => {
    const { block, queries } = randomTokens(shape, n, { ...data, scores: 2 })
    const values = { ...block.values, data: block.values.data.slice() }
    for (let i = 0; i < n; i++) values.data[i * shape.dv] = i
    return { block: { ...block, values }, queries }
  }
  /** The places of tokens that left, each compared with the token that came, which must be before `to`. */
  const leaving = (out: KvBlock, whole: KvBlock, to: number): number[] => {
    const { keys, values } = out
    insist(keys.rows > 0 && values.rows === keys.rows, 'what leaves must be a block of tokens, or undefined')
    return Array.from({ length: keys.rows }, (_, i) => {
      const place = values.data[i * shape.dv]
      insist(Number.isInteger(place) && place >= 0 && place < to, `a token left that never came: ${place} of ${to}`)
      const [got, came] = [part(out, i, i + 1), part(whole, place, place + 1)]
      sameBits(got.keys.data, came.keys.data, `the key of token ${place}, which left`)
      sameBits(got.values.data, came.values.data, `the value of token ${place}, which left`)
      insist(weightAt(out, i) === weightAt(whole, place), `token ${place} left with weight ${weightAt(out, i)}`)
      return place
    })
  }
  /** Admits the block, a part of a stream, in pieces; returns the places of the tokens that left, in order of leaving. */
  const admitted = (tier: Tier, block: KvBlock, sizes: readonly number[], whole = block): number[] => {
    const left: number[] = []
    for (const { piece, to } of pieces(block, sizes)) {
      const out = tier.admit(piece)
      if (out) left.push(...leaving(out, whole, whole === block ? to : whole.keys.rows))
    }
    return left
  }
  /** Checks that the tier answers over exactly these tokens. */
  const holds = (tier: Tier, rest: KvBlock, queries: Matrix) => {
    const got = answerOf(tier.attend(queries))
    const wanted = exactAnswer(rest, queries, shape, () => rest.keys.rows)
    close(got.averages, wanted.averages, tolerance * Math.max(1, queries.rows), 'answers over what stayed')
    close(got.levels, wanted.levels, tolerance * 8, 'log mass over what stayed')
  }

  const conserves = law(
    {
      name: 'what leaves and what stays is what came',
      kills: ['a token lost or kept while it leaves', 'weights lost on the way out', 'answers over other tokens'],
      runs: 24,
    },
    fc.record({ input, cut }),
    ({ input: { n, ...data }, cut }) => {
      const { block, queries } = tokens(n, data)
      const tier = make()
      const rest = picked(block, staying(n, admitted(tier, block, cut)))
      insist(tier.tokens === n, `tokens: ${tier.tokens}, not ${n}`)
      holds(tier, rest, queries)
    },
  )

  const stands = law(
    {
      name: 'nothing leaves, and what is held stands for all that came',
      kills: [
        'a token handed on that is also counted',
        'weights that do not add up to those given',
        'tokens forgotten',
      ],
      runs: 24,
    },
    fc.record({ input, cut }),
    ({ input: { n, ...data }, cut }) => {
      const { block, queries } = tokens(n, data)
      const [tier, constant] = [make(), make()]
      const row = Array.from({ length: shape.dv }, (_, c) => c - 0.7)
      const values = { ...block.values, data: block.values.data.map((_, i) => row[i % shape.dv]) }
      for (const { piece, to } of pieces(block, cut)) {
        insist(tier.admit(piece) === undefined, `tokens left after ${to} of ${n}`)
        insist(tier.tokens === to, `tokens: ${tier.tokens}, not ${to}`)
      }
      for (const { piece } of pieces({ ...block, values }, cut)) constant.admit(piece)
      const asked = { rows: 1, cols: shape.d, data: new Float32Array(shape.d) } // of it every token has its weight alone
      const given = Array.from({ length: n }, (_, i) => weightAt(block, i)).reduce((sum, x) => sum + x, 0)
      const { levels } = answerOf(tier.attend(asked))
      close(levels, [Math.log(given)], tolerance * 8, 'the log of the weights held')
      const answers = answerOf(constant.attend(queries)).averages
      close(answers, values.data, tolerance * 8, 'constant values')
    },
  )

  const same = law(
    {
      name: 'push is admit at fixed places, however it is cut',
      kills: ['push that keeps other tokens', 'evictions at the end of a call', 'a buffer that ends with the call'],
      runs: 24,
    },
    fc.record({ input, cut }),
    ({ input: { n, ...data }, cut }) => {
      const { block } = tokens(n, data)
      const settled = Math.max(0, Math.ceil(n / buffer) - 1) * buffer
      const [told, pushedTo] = [make(), pushed(make(), block, cut)]
      admitted(told, part(block, 0, settled), [buffer])
      told.push(part(block, settled, n))
      insist(pushedTo.tokens === n, `tokens: ${pushedTo.tokens}, not ${n}`)
      sameBits(pushedTo.toBytes(), told.toBytes(), `the snapshot of ${n} tokens pushed by ${cut}, against admit`)
    },
  )

  const dropped = law(
    {
      name: 'what is dropped changes nothing that stays',
      kills: ['dropped tokens that stay', 'places not followed while nobody reads what leaves'],
    },
    fc.record({ input, cut }),
    ({ input: { n, ...data }, cut }) => {
      const { block } = tokens(n, data)
      const [one, other] = [make(), make()]
      for (const { piece } of pieces(block, cut)) {
        one.admit(piece)
        other.admit(piece, true)
        sameBits(other.toBytes(), one.toBytes(), `the snapshot after ${one.tokens} tokens, the rest dropped`)
      }
    },
  )

  const policy = law(
    {
      name: 'the tokens that stay are the policy’s',
      kills: ['off by one', 'the newest evicted for the oldest', 'places not followed as the stream goes on'],
      runs: 24,
    },
    input,
    ({ n, ...data }) => {
      const { block } = tokens(n, data)
      const stayed = staying(n, admitted(make(), block, [buffer]))
      const wanted = [...stays!(block)].toSorted((a, b) => a - b)
      insist(stayed.join() === wanted.join(), `of ${n} tokens ${stayed} stayed, not ${wanted}`)
    },
  )

  const resumes = law(
    {
      name: 'a restored tier lets the same tokens go',
      kills: ['the order of the held tokens lost', 'places restored wrongly'],
    },
    fc.record({ input, at: fc.nat() }),
    ({ input: { n, ...data }, at }) => {
      const { block } = tokens(n, data)
      const known = at % (n + 1)
      const tier = pushed(make(), part(block, 0, known)) as Tier
      const copy = restore!(tier.toBytes())
      for (let i = known; i < n; i += 7) {
        const piece = part(block, i, Math.min(n, i + 7))
        const [one, two] = [tier.admit(piece), copy.admit(piece)]
        sameBits(copy.toBytes(), tier.toBytes(), `the snapshot after token ${i}`)
        insist(!one === !two, `token ${i}: one of the two lets tokens go`)
        if (one && two) sameBits(one.values.data, two.values.data, `what leaves at token ${i}`)
      }
    },
  )

  const absorbs = law(
    {
      name: 'absorb takes in a later tier, and lets go what is too much',
      kills: ['a token counted twice or lost', 'the later tier changed', 'tokens given before not added'],
      runs: 24,
    },
    fc.record({ input, at: fc.nat(), cut }),
    ({ input: { n, ...data }, at, cut }) => {
      const { block, queries } = tokens(n, data)
      const known = at % (n + 1)
      const [tier, later] = [make(), make()]
      const left = admitted(tier, part(block, 0, known), cut)
      left.push(...admitted(later, part(block, known, n), cut, block))
      const [theirs, given] = [later.toBytes(), { toBytes: () => theirs }]
      const out = tier.absorb!(given)
      if (out) left.push(...leaving(out, block, n))
      sameBits(later.toBytes(), theirs, 'the later tier')
      insist(tier.tokens === n, `tokens: ${tier.tokens} absorbed, not ${n}`)
      holds(tier, picked(block, staying(n, left)), queries)
    },
  )

  const refuses = law(
    { name: 'a broken admit is refused and changes nothing', kills: ['checks in push alone'], runs: 4 },
    input,
    ({ n, ...data }) => {
      const tier = pushed(make(), tokens(n, data).block) as Tier
      const bytes = tier.toBytes()
      const { block } = tokens(3, data)
      block.keys.data[block.keys.cols] = NaN
      for (const broken of [block, { ...tokens(3, data).block, weights: new Float32Array(3) }, undefined as never]) {
        refusal(() => tier.admit(broken), undefined, 'a broken block')
        sameBits(tier.toBytes(), bytes, 'the snapshot after a broken block')
      }
    },
  )
  const laws = [
    standsForAll ? stands : conserves,
    same,
    dropped,
    ...(stays ? [policy] : []),
    ...(restore ? [resumes] : []),
    ...(shape.absorb && shape.merging === 'ordered' ? [absorbs] : []),
    refuses,
  ]
  return laws.map((one) => ({ ...one, name: `${name}: ${one.name}` }))
}

/** Picks some tokens of a block. */
function picked(block: KvBlock, places: readonly number[]): KvBlock {
  const rows = ({ cols, data }: KvBlock['keys']) => ({
    rows: places.length,
    cols,
    data: Float32Array.from(places.flatMap((i) => [...data.subarray(i * cols, (i + 1) * cols)])),
  })
  return {
    keys: rows(block.keys),
    values: rows(block.values),
    ...(block.weights && { weights: Float32Array.from(places, (i) => block.weights![i]) }),
  }
}

function weightAt({ weights }: KvBlock, i: number): number {
  return weights?.[i] ?? 1
}

/** The places of the n tokens that did not leave. */
function staying(n: number, left: readonly number[]): number[] {
  const gone = new Set(left)
  insist(gone.size === left.length, 'a token left twice')
  return Array.from({ length: n }, (_, i) => i).filter((i) => !gone.has(i))
}
