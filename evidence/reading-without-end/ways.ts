/**
 * Ways to let old tokens take less attention from the newest ones, where scores are bounded: `node evidence/reading-without-end/ways.ts` reads 37,600 tokens of
 * *Persuasion* once for each, with 56 needles, and writes ways.json as it goes; what stands there is not read again. With the name of a way, it prints that way alone.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { tiers, policies, type Matrix, type PartialSoftmax, type Shape } from '@sublinear/attention'
import { emptyPartial, type KvBlock, type TierSpec } from '@sublinear/core'
import { addPartial } from '@sublinear/exact-attention'
import { KEY_WORDS, unrotated, type HeadSpec } from '@sublinear/small-lm'
import { quantised } from '@sublinear/token-store'
import { loadModel, textIds } from '../kit/text-captures.ts'
import { HELD_OUT } from '../whole-models/prompt-sets.ts'
import { freshBits, longRead, SCORED, type Needle } from './long-read.ts'
import { everything, specOf, type Stack } from './stacks.ts'

const BASE: Stack = {
  window: 1536,
  sinks: 4,
  far: 128,
  farBits: [6, 4],
  nearBits: [8, 8],
  clamp: 1536,
  most: 0,
  buffer: 64,
  halvedAfter: 100_000,
}

/** Computes what the logarithm of the mass of all far keys loses for a query: given their partial softmax's row, and the score of the mean key. */
type Fall = (logMass: number, mean: number) => number

interface Way {
  readonly name: string
  readonly model?: 'sharp' | 'bounded'
  readonly spec: HeadSpec
}

/** Tiers of a window, sinks and the given parts, in the bits of BASE. */
const behind = (parts: readonly TierSpec[]): HeadSpec => {
  const [near, waiting] = [undefined, 0].map((first) => quantised({ keyBits: 8, valueBits: 8, first }))
  const { window, sinks, clamp, buffer } = BASE
  const held = [
    policies.window({ count: window, store: near }),
    policies.sinks({ count: sinks, store: near }),
    ...parts,
  ]
  return unrotated((shape) => tiers({ ...shape, positions: { clamp }, buffer, waiting, parts: held as never }))
}
const few = quantised({ keyBits: 6, valueBits: 4 })
const far = (count: number, halvedAfter: number) => policies.farKeys({ count, halvedAfter, store: few })

/** Far keys whose mass falls: they answer by themselves first. The mean is that of the keys admitted when 64 of them had last come. */
function falling(fall: Fall): TierSpec {
  const around = (
    tier: ReturnType<ReturnType<typeof far>>,
    shape: Shape,
    sum: Float64Array,
    seen: number,
  ): typeof tier => {
    let count = seen
    const attend = (name: 'attend' | 'attendInOrder') => (queries: Matrix, into?: PartialSoftmax) => {
      const out = into ?? emptyPartial(queries.rows, shape.dv)
      const own = emptyPartial(queries.rows, shape.dv)
      tier[name]!(queries, own)
      for (const [r, mass] of own.mass.entries()) {
        if (mass === 0) continue
        let mean = 0
        for (let c = 0; c < shape.d; c++) mean += (queries.data[r * shape.d + c] * sum[c] * shape.scale) / count
        own.max[r] -= fall(Math.log(mass) + own.max[r], mean)
      }
      addPartial(out, own)
      return out
    }
    const admit: typeof tier.admit = (block: KvBlock, dropped?: boolean) => {
      for (const [i, x] of block.keys.data.entries()) sum[i % shape.d] += x
      count += block.keys.rows
      return tier.admit(block, dropped)
    }
    const own: Readonly<Record<string, unknown>> = {
      attend: attend('attend'),
      attendInOrder: attend('attendInOrder'),
      admit,
      fork: () => around(tier.fork() as typeof tier, shape, sum.slice(), count),
    }
    return new Proxy(tier, {
      get: (target, name) => own[String(name)] ?? (Reflect.get(target, name, target) as unknown),
    })
  }
  return (shape) => around(far(BASE.far, BASE.halvedAfter!)(shape), shape, new Float64Array(shape.d), 0) as never
}

const stack = (changed: Partial<Stack>) => specOf({ ...BASE, ...changed })

export const WAYS: readonly Way[] = [
  { name: 'as before', spec: stack({}) },
  { name: 'a crowd counts for n^0.8', spec: stack({ crowd: 0.8 }) },
  { name: 'a crowd counts for n^0.6', spec: stack({ crowd: 0.6 }) },
  { name: 'a crowd counts for n^0.3', spec: stack({ crowd: 0.3 }) },
  { name: '192 far keys, a crowd counts for n^0.4', spec: stack({ far: 192, crowd: 0.4 }) },
  { name: 'each far key counts for e^-0.7', spec: behind([falling(() => 0.7)]) },
  { name: 'each far key counts for e^-1.2', spec: behind([falling(() => 1.2)]) },
  {
    name: 'all far keys count for 500 tokens of the mean score at most',
    spec: behind([falling((logMass, mean) => Math.max(0, logMass - mean - Math.log(500)))]),
  },
  { name: '64 far keys that are halved after 8,000, 64 others behind them', spec: behind([far(64, 8000), far(64, Infinity)]) }, // prettier-ignore
  { name: 'halved after 25,000', spec: stack({ halvedAfter: 25_000 }) },
  { name: '64 far keys', spec: stack({ far: 64 }) },
  { name: 'at a distance of 1,024', spec: stack({ clamp: 1024 }) },
  { name: 'a window of 1,024', spec: stack({ window: 1024, clamp: 1024 }) },
  { name: 'a window in 6 and 4 bits', spec: stack({ nearBits: [6, 4] }) },
  { name: 'sharp model: as before', model: 'sharp', spec: stack({}) },
  { name: 'sharp model: a crowd counts for n^0.6', model: 'sharp', spec: stack({ crowd: 0.6 }) },
]

export interface WayRead {
  readonly name: string
  readonly bytes: number
  /** More bits per byte than a fresh reader, mean of the windows, by AFTER. */
  readonly more: readonly number[]
  /** Right, asked, and the mean surprise of the value in nats, by BACK. */
  readonly answers: readonly (readonly [right: number, asked: number, nats: number])[]
}

export const WAYS_AFTER = [8192, 32_768]
export const WAYS_BACK = [1500, 10_000]
const WINDOWS = 8
const TOKENS = 37_600
const needlesFrom = (first: number, count: number): Needle[] =>
  Array.from({ length: count }, (_, i) => ({ at: first + 200 * i, asked: WAYS_BACK }))
const NEEDLES = [...needlesFrom(500, 16), ...needlesFrom(13_000, 40)]

const file = new URL('ways.json', import.meta.url)
export const waysRead = (): WayRead[] => (existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as WayRead[]) : [])
const mean = (all: readonly number[]) => all.reduce((sum, x) => sum + x, 0) / all.length

function readBy({ name, model: of = 'bounded', spec }: Way): WayRead {
  const model = loadModel(of)
  const ids = textIds(model, 'persuasion')
  const words = KEY_WORDS.filter((word) => !HELD_OUT.words!.includes(word))
  const starts = WAYS_AFTER.flatMap((after) => Array.from({ length: WINDOWS }, (_, i) => after + SCORED * i))
  const fresh = freshBits(model, everything, ids, starts)
  const read = longRead({ model, stream: spec, ids, from: 0, tokens: TOKENS, needles: NEEDLES, words, seed: 1, windows: starts }) // prettier-ignore
  return {
    name,
    bytes: read.bytes.most / model.config.layers / model.config.heads,
    more: WAYS_AFTER.map((_, i) => Number(mean(read.bits.slice(WINDOWS * i, WINDOWS * (i + 1)).map((own, k) => own - fresh[WINDOWS * i + k])).toFixed(4))), // prettier-ignore
    answers: WAYS_BACK.map((back) => {
      const own = read.answers.flat().filter(({ asked }) => asked === back)
      return [own.filter(({ isRight }) => isRight).length, own.length, Number(mean(own.map(({ nats }) => nats)).toFixed(3))] // prettier-ignore
    }),
  }
}

/** Goes on where it stopped. */
export function ways(): void {
  for (const way of WAYS) {
    const found = waysRead()
    if (found.some(({ name }) => name === way.name)) continue
    writeFileSync(file, `[\n${[...found, readBy(way)].map((one) => JSON.stringify(one)).join(',\n')}\n]\n`)
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const way = WAYS.find(({ name }) => name === process.argv[2])
  if (way) console.log(JSON.stringify(readBy(way)))
  else ways()
}
