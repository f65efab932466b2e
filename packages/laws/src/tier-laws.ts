import type { KvBlock, Tier } from '@sublinear/core'
import fc from 'fast-check'
import { pushed } from './cut-laws'
import { close, insist, law, refusal, sameBits, type Law } from './law'
import { answerOf, exactAnswer, part, pieces, randomTokens } from './token-data'

export interface TierLaws {
  /** Begins the name of every law. */
  readonly name: string
  /** A fresh, empty tier; always the same one. */
  readonly make: () => Tier
  readonly restore?: (bytes: Uint8Array) => Tier
  /** Which tokens of a stream stay, by the policy's definition: an oracle of your own. */
  readonly stays?: (block: KvBlock) => readonly number[]
  /** How far answers over the tokens held may be from exact ones. Default 1e-5, a tier that holds what it is given. */
  readonly tolerance?: number
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
 * @returns laws that throw where they are broken; inputs are random with a fixed seed
 */
export function tierLaws({ name, make, restore, stays, tolerance = 1e-5 }: TierLaws): Law[] {
  const shape = make()
  /** Tokens whose first value is their place in the stream. */
  const tokens = (n: number, data: { seed: number; weighted: boolean }) => {
    const { block, queries } = randomTokens(shape, n, { ...data, scores: 2 })
    const values = { ...block.values, data: block.values.data.slice() }
    for (let i = 0; i < n; i++) values.data[i * shape.dv] = i
    return { block: { ...block, values }, queries }
  }
  /** Admits the block in pieces; the places of the tokens that left, in the order they did, each compared with what came. */
  const admitted = (tier: Tier, block: KvBlock, sizes: readonly number[]): number[] => {
    const left: number[] = []
    for (const { piece, to } of pieces(block, sizes)) {
      const out = tier.admit(piece)
      if (!out) continue
      const { keys, values } = out
      insist(keys.rows > 0 && values.rows === keys.rows, 'what leaves must be a block of tokens, or undefined')
      for (let i = 0; i < keys.rows; i++) {
        const place = values.data[i * shape.dv]!
        insist(Number.isInteger(place) && place >= 0 && place < to, `a token left that never came: ${place} of ${to}`)
        const [got, came] = [part(out, i, i + 1), part(block, place, place + 1)]
        sameBits(got.keys.data, came.keys.data, `the key of token ${place}, which left`)
        sameBits(got.values.data, came.values.data, `the value of token ${place}, which left`)
        insist(weightAt(out, i) === weightAt(block, place), `token ${place} left with weight ${weightAt(out, i)}`)
        left.push(place)
      }
    }
    return left
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
      const got = answerOf(tier.attend(queries))
      const wanted = exactAnswer(rest, queries, shape, () => rest.keys.rows)
      close(got.averages, wanted.averages, tolerance * Math.max(1, n), 'answers over what stayed')
      close(got.levels, wanted.levels, tolerance * 8, 'log mass over what stayed')
    },
  )

  const same = law(
    {
      name: 'admit is push, however the stream is cut',
      kills: ['push that keeps other tokens', 'evictions at the end of a call', 'leaving in another order'],
    },
    fc.record({ input, one: cut, other: cut }),
    ({ input: { n, ...data }, one, other }) => {
      const { block } = tokens(n, data)
      const [a, b] = [make(), make()]
      const [left, again] = [admitted(a, block, one), admitted(b, block, other)]
      insist(left.join() === again.join(), `cut by ${one}, ${left} left, cut by ${other}, ${again}`)
      sameBits(a.toBytes(), b.toBytes(), `snapshots cut by ${one} and by ${other}`)
      sameBits(pushed(make(), block, one).toBytes(), a.toBytes(), 'the snapshot after push, against admit')
    },
  )

  const policy = law(
    {
      name: 'the tokens that stay are the policy’s',
      kills: ['off by one', 'the newest evicted for the oldest', 'places not followed as the stream goes on'],
      runs: 24,
    },
    fc.record({ input, cut }),
    ({ input: { n, ...data }, cut }) => {
      const { block } = tokens(n, data)
      const stayed = staying(n, admitted(make(), block, cut))
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
  return [conserves, same, ...(stays ? [policy] : []), ...(restore ? [resumes] : []), refuses].map((one) => ({
    ...one,
    name: `${name}: ${one.name}`,
  }))
}

/** Some tokens of a block. */
function picked(block: KvBlock, places: readonly number[]): KvBlock {
  const rows = ({ cols, data }: KvBlock['keys']) => ({
    rows: places.length,
    cols,
    data: Float32Array.from(places.flatMap((i) => [...data.subarray(i * cols, (i + 1) * cols)])),
  })
  return {
    keys: rows(block.keys),
    values: rows(block.values),
    ...(block.weights && { weights: Float32Array.from(places, (i) => block.weights![i]!) }),
  }
}

function weightAt({ weights }: KvBlock, i: number): number {
  return weights?.[i] ?? 1
}

/** The places of n that did not leave. */
function staying(n: number, left: readonly number[]): number[] {
  const gone = new Set(left)
  insist(gone.size === left.length, 'a token left twice')
  return Array.from({ length: n }, (_, i) => i).filter((i) => !gone.has(i))
}
