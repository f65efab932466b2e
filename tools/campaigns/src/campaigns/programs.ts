import * as S from '@sublinear/attention'
import {
  speculate,
  type AttentionStream,
  type KvBlock,
  type Layer,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'
import { softmaxOracle } from '@sublinear/laws'
import { outOfGrammar, told, type Attempt, type Campaign, type Outcome } from '../campaign.ts'
import type { Random } from '../random.ts'
import { SHAPE, STREAMS } from '../streams.ts'

type Live = (AttentionStream | Layer) & Disposable
/** A sort of stream: how one is made and opened, and how wide its rows are. */
interface Sort {
  readonly make: () => Live
  readonly open: (bytes: Uint8Array) => Live
  readonly kv: number // streams side by side in a row
  readonly heads: number // query heads side by side in a row
  readonly isExact: boolean
  readonly merges: boolean
}
/** Two streams that run one program: `twin` is given it in other pieces, and is saved and opened now and then. */
interface Pair {
  stream: Live
  twin: Live
  seen: KvBlock[]
}

const CALLS = 14
const [QUERY_HEADS, KV_HEADS] = [4, 2]
const { d, dv, scale } = SHAPE
const LAYERED = /^(exact|window|h2o|closure|taylor|auto|tiers|reservoir|balanceKv|mean|tova|clusters)\b/

/** The campaign on random programs, against a twin that is given the same tokens in other pieces. */
export const programs: Campaign = {
  name: 'programs',
  about:
    'random programs with refusals, disposals, merges, forks, trials, resets: a refused call changes nothing, a twin given other pieces has the same bytes, exact streams agree with float64',
  sample: 12,
  round: 150,
  patience: 30,
  units: () => [
    ...Object.keys(STREAMS),
    ...Object.keys(STREAMS)
      .filter((name) => LAYERED.test(name))
      .map((name) => `a layer: ${name}`),
  ],
  begin: attemptsOf,
}

function sortOf(unit: string): Sort {
  const name = unit.replace(/^a layer: /, '')
  const isExact = /^exact, \d/.test(name)
  if (name === unit)
    return {
      make: STREAMS[name] as () => Live,
      open: S.openStream,
      kv: 1,
      heads: 1,
      isExact,
      merges: STREAMS[name]().merging !== 'none',
    }
  return {
    make: () => S.layer({ queryHeads: QUERY_HEADS, kvHeads: KV_HEADS, make: STREAMS[name] }),
    open: (bytes) => S.restoreLayer(bytes, S.openStream),
    kv: KV_HEADS,
    heads: QUERY_HEADS,
    isExact: false,
    merges: STREAMS[name]().merging !== 'none',
  }
}

function attemptsOf(unit: string): Attempt {
  const sort = sortOf(unit)
  return (random) => {
    const pair: Pair = { stream: sort.make(), twin: sort.make(), seen: [] }
    const done: string[] = []
    let refused = 0
    try {
      for (let i = 0; i < CALLS; i++) {
        const name = random.pick(Object.keys(steps))
        done.push(name)
        if (steps[name](sort, pair, random) === 'refused') refused++
        if (pair.stream.tokens !== pair.twin.tokens)
          throw new Error(`${pair.stream.tokens} tokens, the twin ${pair.twin.tokens}`)
      }
      done.push('at the end')
      if (!same(pair.stream.toBytes(), pair.twin.toBytes())) throw new Error('the twin has other bytes')
    } catch (error) {
      const finding =
        error instanceof Fault
          ? error.message
          : `throws in a program: ${(error as Error).message.replaceAll(/\d+/g, 'n').slice(0, 80)}`
      return { outcome: 'faulty', finding, detail: `${done.join(', ')}: ${told(error)}` } satisfies Outcome
    }
    for (const one of [pair.stream, pair.twin]) one[Symbol.dispose]?.()
    return { outcome: refused > 0 ? 'ran, with refusals' : 'ran' }
  }
}

/** A fault that a step of a program found. */
class Fault extends Error {}

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
const rowsOf = ({ cols, data }: Matrix, from: number, to: number): Matrix => ({
  rows: to - from,
  cols,
  data: data.slice(from * cols, to * cols),
})
const part = ({ keys, values, weights }: KvBlock, from: number, to: number): KvBlock => ({
  keys: rowsOf(keys, from, to),
  values: rowsOf(values, from, to),
  ...(weights && { weights: weights.slice(from, to) }),
})

function sound({ max, mass, sum }: PartialSoftmax): void {
  const fine =
    max.every((x) => x < Infinity) && mass.every((x) => x >= 0 && x < Infinity) && sum.data.every(Number.isFinite)
  if (!fine) throw new Fault('an answer that is not finite')
}

/** Makes a call that must be refused in the grammar, and must change nothing. */
function refusal(stream: Live, call: () => unknown, what: string): 'refused' {
  const before = stream.toBytes()
  try {
    call()
  } catch (error) {
    const why = outOfGrammar(error)
    if (why) throw new Fault(`${what}: ${why} (${(error as Error).message.slice(0, 60)})`)
    if (!same(stream.toBytes(), before)) throw new Fault(`${what}: refused, and changed`)
    return 'refused'
  }
  throw new Fault(`${what}: not refused`)
}

const rows = (random: Random) => random.pick([1, 1, 2, 5, 33, 64, 65, 130])
const blockFor = ({ kv }: Sort, random: Random, count = rows(random)) => random.block(count, d * kv, dv * kv)

/** Gives both streams the same tokens, each in pieces of its own. */
function give({ stream, twin, seen }: Pair, block: KvBlock, queries: Matrix | undefined, random: Random): void {
  for (const one of [stream, twin])
    for (let from = 0; from < block.keys.rows;) {
      const to = Math.min(block.keys.rows, from + 1 + random.below(70))
      if (queries) sound(one.step(part(block, from, to), rowsOf(queries, from, to)))
      else one.push(part(block, from, to))
      from = to
    }
  seen.push(block)
}

const steps: Readonly<Record<string, (sort: Sort, pair: Pair, random: Random) => 'refused' | void>> = {
  push: (sort, pair, random) => give(pair, blockFor(sort, random), undefined, random),
  step(sort, pair, random) {
    const block = blockFor(sort, random)
    give(pair, block, random.matrix(block.keys.rows, d * sort.heads), random)
  },
  attend(sort, { stream, seen }, random) {
    const queries = random.matrix(5, d * sort.heads)
    const before = stream.toBytes()
    const answer = stream.attend(queries)
    sound(answer)
    if (!same(stream.toBytes(), before)) throw new Fault('asking changed the state')
    if (!sort.isExact || seen.length === 0) return
    const keys = { rows: 0, cols: d, data: Float32Array.from(seen.flatMap((block) => [...block.keys.data])) }
    const values = { rows: 0, cols: dv, data: Float32Array.from(seen.flatMap((block) => [...block.values.data])) }
    const weights = Float32Array.from(
      seen.flatMap(({ weights, keys: { rows: count } }) => [...(weights ?? new Float32Array(count).fill(1))]),
    )
    const wanted = softmaxOracle(queries, keys, values, scale, () => weights.length, weights)
    const got = S.normalise(answer).data
    if (got.some((x, i) => Math.abs(x - wanted[i]) > 1e-5)) throw new Fault('an exact answer is not that of float64')
  },
  'broken block'(sort, { stream }, random) {
    const block = blockFor(sort, random)
    const sorts: Record<string, () => unknown> = {
      'a key of NaN': () => (block.keys.data.fill(NaN, block.keys.data.length - 1), stream.push(block)),
      'a value of Infinity': () => (block.values.data.fill(Infinity, 0, 1), stream.push(block)),
      'a key too wide': () => stream.push({ ...block, keys: random.matrix(block.keys.rows, d * sort.kv + 1) }),
      'a weight of 0': () => stream.push({ ...block, weights: new Float32Array(block.keys.rows) }),
      'a row less': () => stream.push({ ...block, values: rowsOf(block.values, 1, block.values.rows) }),
      nothing: () => stream.push(undefined as never),
      'queries too wide': () => stream.attend(random.matrix(2, d * sort.heads + 1)),
      'a step without its queries': () => stream.step(block, random.matrix(0, d * sort.heads)),
      'taking back what never came': () => stream.takeBack?.(stream.tokens + 1) ?? stream.push(undefined as never),
    }
    const name = random.pick(Object.keys(sorts))
    return refusal(stream, sorts[name], name)
  },
  merge(sort, pair, random) {
    const block = blockFor(sort, random)
    const partner = sort.make()
    partner.push(block)
    if (!sort.merges)
      return refusal(pair.stream, () => pair.stream.merge(partner as never), 'a merge that no method of it has')
    const before = partner.toBytes()
    for (const one of [pair.stream, pair.twin]) one.merge(partner as never)
    if (!same(partner.toBytes(), before)) throw new Fault('a merge changed the partner')
    pair.seen.push(block)
    partner[Symbol.dispose]?.()
  },
  'merge with one disposed'(sort, { stream }, random) {
    const partner = sort.make()
    partner.push(blockFor(sort, random))
    partner[Symbol.dispose]?.()
    return refusal(stream, () => stream.merge(partner as never), 'a merge with one disposed')
  },
  'merge with another kind'(_sort, { stream }) {
    return refusal(
      stream,
      () => stream.merge(S.exactStream({ d: 9, dv, scale: 2 }) as never),
      'a merge with another kind',
    )
  },
  fork(_sort, pair) {
    const fork = pair.stream.fork() as Live
    pair.stream[Symbol.dispose]?.()
    pair.stream = fork
  },
  'a fork that goes away'(sort, { stream }, random) {
    const before = stream.toBytes()
    const fork = stream.fork() as Live
    fork.push(blockFor(sort, random))
    fork[Symbol.dispose]?.()
    if (!same(stream.toBytes(), before)) throw new Fault('a fork changed the stream')
    try {
      fork.push(blockFor(sort, random))
    } catch (error) {
      if (!(error instanceof TypeError) || outOfGrammar(error))
        throw new Fault('used after it was disposed of: another error')
      return 'refused'
    }
    throw new Fault('used after it was disposed of')
  },
  trial(sort, pair, random) {
    const block = blockFor(sort, random, 1 + random.below(9))
    const queries = random.matrix(block.keys.rows, d * sort.heads)
    const kept = random.below(block.keys.rows + 1)
    const trial = speculate(pair.stream as never)
    sound(trial.step(block, queries))
    trial.accept(kept)
    trial[Symbol.dispose]?.()
    if (kept === 0) return
    pair.twin.step(part(block, 0, kept), rowsOf(queries, 0, kept))
    pair.seen.push(part(block, 0, kept))
  },
  reset(_sort, pair, random) {
    if (random.chance(0.6)) return
    for (const one of [pair.stream, pair.twin]) one.reset()
    pair.seen = []
  },
  restart({ open }, pair) {
    const again = open(pair.twin.toBytes())
    pair.twin[Symbol.dispose]?.()
    pair.twin = again
  },
}
