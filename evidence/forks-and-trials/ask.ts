/**
 * `node evidence/forks-and-trials/ask.ts`: what forks cost against copies of their bytes, ten thousand random programs of tokens on trial, and
 * speculative decoding against greedy decoding. Times are CPU time, interleaved, medians.
 */
import {
  catalogue,
  endless,
  exactStream,
  normalise,
  speculate,
  type AttentionStream,
  type Method,
} from '@sublinear/attention'
import { kernels } from '@sublinear/kernels'
import { random } from '@sublinear/laws'
import { generate, speculative, unrotated } from '@sublinear/small-lm'
import { main, type Experiment } from '../kit/experiment.ts'
import { SHORT_WINDOW } from '../kit/short-window.ts'
import { markdownTable } from '../kit/markdown.ts'
import { loadModel, MODELS, textIds } from '../kit/text-captures.ts'

const shape = { d: 64, dv: 64, scale: 0.125 }
const ROUNDS = 5
const PROGRAMS = 10_000
const PROMPT = 3000
const NEW = 128

/** Microseconds of CPU of one call. */
function cpu(work: () => unknown): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1]
const perSecond = (microseconds: number) => (NEW - 1) / (microseconds / 1e6)
const dispose = (stream: AttentionStream & Partial<Disposable>) => stream[Symbol.dispose]?.()

function forkCost(method: Method, tokens: number) {
  const pilot = { queries: random(256, 64, 1), keys: random(256, 64, 2), values: random(256, 64, 3) }
  const budget = method.name === 'exact' ? 2 ** 40 : 60_000
  const options = method.within(shape, budget, { tokens }, pilot)
  if (!options) return []
  const stream = method.make(shape, options)
  stream.step({ keys: random(tokens, 64, 4), values: random(tokens, 64, 5) }, random(tokens, 64, 6))
  const numbers = Math.ceil(stream.bytes / 4)
  const from = kernels().floats(numbers)
  const [forks, copies]: [number[], number[]] = [[], []]
  const calls = Math.min(1000, Math.round(6e7 / stream.bytes)) // so many that each round has its share of garbage collection
  const fork = () => {
    for (let i = 0; i < calls; i++) dispose(stream.fork())
  }
  const copied = () => {
    for (let i = 0; i < calls; i++) {
      const to = kernels().floats(numbers)
      to.write(from)
      to[Symbol.dispose]()
    }
  }
  fork() // warms the engine up, as the next line does
  copied()
  for (let round = 0; round < ROUNDS; round++) {
    forks.push(cpu(fork) / calls)
    copies.push(cpu(copied) / calls)
  }
  from[Symbol.dispose]()
  const [each, copy] = [median(forks), median(copies)]
  return [{ method: method.name, tokens, bytes: stream.bytes, fork: each, copy, within: each <= 1.5 * copy + 20 }]
}

/** Cost of a fork, for each method and two lengths. */
export const forkRows = () => catalogue.flatMap((method) => [1024, 8192].flatMap((tokens) => forkCost(method, tokens)))

/** Random programs: the largest difference of an answer from the stream that was given the accepted tokens alone, and snapshots that differ. */
function programs() {
  let seed = 1
  const below = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n
  const small = { d: 4, dv: 3, scale: 0.5 }
  const pilot = { queries: random(128, 4, 1), keys: random(128, 4, 2), values: random(128, 4, 3) }
  const makes = catalogue.flatMap((method) => {
    const options = method.within(small, 6000, { tokens: 400 }, pilot)
    return options ? [() => method.make(small, options)] : []
  })
  let [worst, differing, tried, kept] = [0, 0, 0, 0]
  for (let program = 0; program < PROGRAMS; program++) {
    const make = makes[program % makes.length]
    const [stream, plain] = [make(), make()]
    const n = below(140)
    for (const one of [stream, plain]) one.push({ keys: random(n, 4, program), values: random(n, 3, program + 1) })
    const trial = speculate(stream)
    for (let round = 0; round < 1 + below(6); round++) {
      const rows = 1 + below(8)
      const salt = program * 31 + round
      const block = { keys: random(rows, 4, salt), values: random(rows, 3, salt + 1) }
      const queries = random(rows, 4, salt + 2)
      const ahead = plain.fork()
      const [got, wanted] = [trial.step(block, queries), ahead.step(block, queries)].map((one) => normalise(one).data)
      for (const [i, x] of wanted.entries()) worst = Math.max(worst, Math.abs(got[i] - x))
      dispose(ahead)
      const count = below(rows + 1)
      trial.accept(count)
      const first = (cols: number, data: Float32Array) => ({ rows: count, cols, data: data.subarray(0, count * cols) })
      plain.step({ keys: first(4, block.keys.data), values: first(3, block.values.data) }, first(4, queries.data))
      tried += rows
      kept += count
    }
    differing += Number(Buffer.compare(stream.toBytes(), plain.toBytes()) !== 0)
    for (const one of [stream, plain]) dispose(one)
  }
  return { programs: PROGRAMS, methods: makes.length, tried, kept, worst, differing }
}

function decoding() {
  return MODELS.flatMap((name) => {
    const model = loadModel(name)
    const ids = [model.tokenizer.bos, ...textIds(model, 'persuasion').subarray(500, 500 + PROMPT - 1)]
    const common = { model, stream: exactStream, ids }
    const draft = unrotated(endless({ ...SHORT_WINDOW, window: 128, far: 64 }))
    const plain = generate({ ...common, count: NEW })
    return [1, 2, 4, 8].map((drafted) => {
      const rounds = [1, 2, 3].map(() => {
        let made: ReturnType<typeof speculative> | undefined
        const prompt = {
          greedy: cpu(() => generate({ ...common, count: 1 })),
          speculative: cpu(() => speculative({ ...common, draft, drafted, count: 1 })),
        }
        const greedy = cpu(() => generate({ ...common, count: NEW })) - prompt.greedy
        const spent = cpu(() => (made = speculative({ ...common, draft, drafted, count: NEW }))) - prompt.speculative
        return { greedy, spent, made: made! }
      })
      const { made } = rounds[0]
      return {
        model: name,
        drafted,
        same: made.ids.every((id, i) => id === plain[i]),
        accepted: made.accepted / (made.rounds * drafted),
        greedyTokensPerSecond: perSecond(median(rounds.map(({ greedy }) => greedy))),
        speculativeTokensPerSecond: perSecond(median(rounds.map(({ spent }) => spent))),
      }
    })
  })
}

/** The ways that were tried to make forks cheap, and what each gave. */
const WAYS = [
  'Two fifths of the CPU of a small fork were once garbage collection (`node --cpu-prof`), and half of what was dropped survived each young collection (`--trace-gc`). Finalizers of kernel memory ' +
    'were not the cause: without them forks cost about the same. Each getter in an object literal gives its object a hidden class of its own, which is old at once and holds the dropped object.',
  '',
  '- **Shared getters**: getters stand in prototypes that all objects of a kind share. The share of garbage collection fell from two fifths to a seventh.',
  '- **Copies of parts**: a fork copies stores, waiting tokens, sums and policies from the living stream, and not from tensors and texts of a snapshot. Most forks of one tier cost a third less for it.',
  '- **Shared where nothing is written**: coders, rotations and blocks of entropy-coded tokens are never changed, so both streams use them.',
  '- **Copies at the first write** were not made: answers are counted, so the first question would copy, too. A fork that is used would cost as much, only later.',
  '',
  'Above the bound are stacks, which are several streams: `farClosure`, `momentKv`, `endless`, `auto` and `balanceKv`. Methods within a third of the bound (`entropyCoded`, `reservoir`, `clusters`, `h2o`, ' +
    '`misfit`, `taylor`, `momentCoreset`) fall on either side of it from run to run, as the garbage collector comes.',
]

interface ForksAndTrials {
  readonly forks: readonly ReturnType<typeof forkCost>[number][]
  readonly trials: ReturnType<typeof programs>
  readonly decoding: readonly ReturnType<typeof decoding>[number][]
}

export const forksAndTrials: Experiment<ForksAndTrials> = {
  name: 'forks-and-trials',
  question: 'What do forks cost, do tokens on trial leave traces, and is speculative decoding faster?',
  inALine({ forks, trials, decoding }) {
    const faster = decoding.filter((row) => row.speculativeTokensPerSecond > row.greedyTokensPerSecond).length
    const cheap = forks.filter(({ within }) => within).length
    return (
      `${trials.differing} of ${trials.programs} programs differ in a bit; ${cheap} of ${forks.length} forks cost at most 1.5 copies of their bytes and 20 µs; speculative decoding is ` +
      `faster in ${faster} of ${decoding.length} cases, since the drafter is the same model`
    )
  },
  asks: 'How much more do forks cost than copies of their bytes? Do tokens on trial leave traces, in ten thousand random programs? Is speculative decoding faster than greedy decoding? Times are CPU times of interleaved runs, medians.',
  run: () => ({
    forks: forkRows(),
    trials: programs(),
    decoding: decoding(),
  }),
  answer: ({ forks, trials, decoding }) =>
    [
      markdownTable(
        ['method', 'tokens', 'kB', 'µs a fork', 'µs a copy of its bytes', 'within 1.5 copies + 20 µs'],
        forks.map((row) => [
          row.method,
          row.tokens,
          (row.bytes / 1000).toFixed(1),
          row.fork.toFixed(0),
          row.copy.toFixed(1),
          row.within ? 'yes' : 'no',
        ]),
      ),
      '',
      `${forks.filter(({ within }) => within).length} of ${forks.length} forks are within 1.5 copies and 20 µs. Each time has its share of garbage collection.`,
      '',
      ...WAYS,
      '',
      `Tokens on trial: ${trials.programs} programs over ${trials.methods} methods tried ${trials.tried} tokens and kept ${trials.kept}; ${trials.differing} snapshots differ from those of the kept ` +
        `tokens alone, and no answer differs by more than ${trials.worst}.`,
      '',
      markdownTable(
        ['model', 'tokens drafted', 'the same text', 'accepted', 'greedy, tokens/s', 'speculative, tokens/s'],
        decoding.map((row) => [
          row.model,
          row.drafted,
          row.same ? 'yes' : 'no',
          row.accepted.toFixed(2),
          row.greedyTokensPerSecond.toFixed(0),
          row.speculativeTokensPerSecond.toFixed(0),
        ]),
      ),
    ].join('\n'),
}

await main(import.meta.url, forksAndTrials)
