/**
 * `node evidence/balance-rates/ask.ts [name q.npy k.npy v.npy …]`: Figures 1 and 3 of BalanceKV again: error of what halvings leave of
 * 3584 tokens, by layer, rate, mode and block, and what it takes. Two minutes; all captured heads of two models, five.
 */
import { balanceKvReach, mergeReduce, softmaxBalance, uniformHalving, type Halving } from '@sublinear/balance-kv'
import { exactAttention, normalise, type KvBlock, type Matrix } from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { diffuseHead } from '../kit/diffuse-head.ts'
import { halvedTokens } from './halved.ts'
import type { Head } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { headsOf } from '../every-head/ask.ts'
import { plot } from '../kit/plot.ts'
import { pick, relativeError, uniformSample } from '../kit/trivial-answers.ts'

const [N, QUERIES, BLOCK] = [3584, 512, 256]
const BLOCKS = [64, 128, 256]
const ROUNDS = [1, 2, 3, 4]
const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1)

/** One layer of one model: means over its heads and the seeds. */
export interface Rates {
  readonly layer: string
  /** Mode and block. */
  readonly method: string
  readonly block: number
  /** Relative Frobenius error after 1, 2, 3, 4 halvings; tokens kept, as shares. */
  readonly errors: readonly number[]
  readonly kept: readonly number[]
  /** CPU µs a token of all four halvings. */
  readonly time: number
  /** ln e^{2r²·scale}, the largest over the heads: Theorem 3.1's factor. */
  readonly growth: number
}

const MODES: Readonly<Record<string, (seed: number) => Halving>> = {
  'uniform pairs': (seed) => uniformHalving({ seed }),
  theory: (seed) => softmaxBalance({ mode: 'theory', delta: 0.01, seed }),
  pairs: (seed) => softmaxBalance({ mode: 'pairs', seed }),
  greedy: (seed) => softmaxBalance({ mode: 'greedy', seed }),
}
const UNIFORM = 'uniform sample'

export const balanceRates: Experiment<readonly Rates[]> = {
  name: 'balance-rates',
  question: 'How much less error do halvings of BalanceKV have than a uniform sample?',
  inALine: (rates) => firstSentence(balanceRates.answer(rates)),
  asks:
    `These are Figures 1 and 3 of BalanceKV, on our own heads. Halvings leave a half to a sixteenth of ${N} tokens, and the next ${QUERIES} queries ask about them. The error is ‖ô − o‖_F/‖o‖_F, ` +
    `mean over ${SEEDS.length} seeds and the heads of a layer; answering zero has error 1. *Diffuse* means Gaussian queries and keys, d = 64, scores of ` +
    'deviation 0.5 and 1, n = 8192, and values that are smooth functions of the key.',
  run: (args) => {
    const heads = headsOf(args)
    const layers = [...new Set(heads.map(layerOf))]
    const real = layers.flatMap((layer) =>
      ratesOf(
        layer,
        heads.filter((head) => layerOf(head) === layer),
      ),
    )
    if (args.length > 0) return real
    const diffuse = [0.5, 1].flatMap((spread) =>
      ratesOf(`diffuse ${spread}`, [diffuseHead(8192, QUERIES, 64, spread, 11)]),
    )
    return [...diffuse, ...real]
  },
  answer: (rates) =>
    [
      verdict(rates),
      '',
      table(rates.filter(({ block }) => block === BLOCK)),
      '',
      `The next table shows the error of the greedy walk by block at a rate of 1/4 and 1/16, and the CPU time of all four halvings (Figure 3):`,
      '',
      blocks(rates),
      '',
      'With larger blocks the error falls a little and the time grows, as in the paper; on heads the choice hardly matters. ' +
        `Theorem 3.1's factor e^{2r²/√d} is at least 10^${Math.floor(Math.min(...rates.map(({ growth }) => growth)) / Math.LN10)} on all of them, so the theorem says nothing here.`,
    ].join('\n'),
  all: (rates) => `All captured heads:\n\n${table(rates.filter(({ block }) => block === BLOCK))}`,
  picture: (rates) =>
    plot(
      'Relative error against the rate, blocks of 256',
      [...new Set(rates.map(({ layer }) => layer))].map((layer) => ({
        title: layer,
        x: { label: 'tokens kept, share', log: true },
        y: { label: 'relative error', log: true },
        lines: rates
          .filter((one) => one.layer === layer && one.block === BLOCK)
          .map(({ method, errors }) => ({
            name: method,
            points: errors.map((error, i) => [2 ** -ROUNDS[i], error] as const),
          })),
      })),
    ),
}

const layerOf = ({ name }: Head) => name.split('.')[0]
const rate = (i: number) => `1/${2 ** ROUNDS[i]}`

/** Every method on the heads of one layer, with the blocks and seeds given. */
export function ratesOf(layer: string, heads: readonly Head[], blocks = BLOCKS, seeds = SEEDS): Rates[] {
  const prepared = heads.map(prefixOf)
  const growth = Math.max(...prepared.map((one) => Math.log(balanceKvReach(one).growth)))
  const methods = Object.entries(MODES).flatMap(([method, make]) =>
    (method === 'greedy' ? blocks : [BLOCK]).map((block) => {
      const errors = ROUNDS.map(() => 0)
      const kept = ROUNDS.map(() => 0)
      let time = 0
      for (const { exact, queries, scale, ...tokens } of prepared) {
        for (const seed of seeds) {
          const share = 1 / (prepared.length * seeds.length)
          const halving = make(seed)
          const began = process.cpuUsage()
          halvedTokens(tokens, scale, halving, block, ROUNDS.length)
          const { user, system } = process.cpuUsage(began)
          time += ((user + system) / tokens.keys.rows) * share
          for (const [i, rounds] of ROUNDS.entries()) {
            const after = halvedTokens(tokens, scale, halving, block, rounds)
            errors[i] += share * relativeError(answersOf(queries, after, scale), exact)
            kept[i] += (share * after.keys.rows) / tokens.keys.rows
          }
        }
      }
      return { layer, method, block, errors, kept, time, growth }
    }),
  )
  return [sampled(layer, prepared, seeds, growth), ...methods]
}

function sampled(layer: string, heads: readonly Prepared[], seeds: readonly number[], growth: number): Rates {
  const errors = ROUNDS.map((rounds) => {
    let sum = 0
    for (const { exact, queries, scale, keys, values } of heads) {
      for (const seed of seeds) {
        const rows = uniformSample(keys.rows, keys.rows >> rounds, seed)
        const answers = exactAttention({ queries, keys: pick(keys, rows), values: pick(values, rows), scale })
        sum += relativeError(answers, exact) / (heads.length * seeds.length)
      }
    }
    return sum
  })
  return { layer, method: UNIFORM, block: BLOCK, errors, kept: ROUNDS.map((r) => 2 ** -r), time: 0, growth }
}

interface Prepared {
  readonly queries: Matrix
  readonly keys: Matrix
  readonly values: Matrix
  readonly scale: number
  readonly exact: Matrix
}

function prefixOf({ queries: all, keys: long, values: wide }: Head): Prepared {
  const n = long.rows < all.rows ? long.rows : N
  const scale = 1 / Math.sqrt(long.cols)
  const [keys, values, queries] = [rowsOf(long, 0, n), rowsOf(wide, 0, n), rowsOf(all, n, n + QUERIES)]
  return { queries, keys, values, scale, exact: exactAttention({ queries, keys, values, scale }) }
}

/** Weighted tokens are asked as a stream that has room for all of them. */
function answersOf(queries: Matrix, tokens: KvBlock, scale: number): Matrix {
  const { rows, cols: d } = tokens.keys
  const halving = uniformHalving({ seed: 0 })
  using stream = mergeReduce({ d, dv: tokens.values.cols, scale, halving, blockSize: 2, levels: 1, capacity: rows + 4 })
  stream.push(tokens)
  return normalise(stream.attend(queries))
}

function table(rates: readonly Rates[]): string {
  const methods = [...new Set(rates.map(({ method }) => method))]
  const layers = [...new Set(rates.map(({ layer }) => layer))]
  return [
    `| layer | kept | ${methods.join(' | ')} |`,
    `| --- | --- | ${methods.map(() => '---').join(' | ')} |`,
    ...layers.flatMap((layer) =>
      ROUNDS.map((_, i) => {
        const cells = methods.map((method) => {
          const own = rates.find((one) => one.layer === layer && one.method === method)!
          const off = Math.abs(own.kept[i] * 2 ** ROUNDS[i] - 1) > 0.02
          return `${own.errors[i].toPrecision(3)}${off ? ` (keeps ${own.kept[i].toPrecision(2)})` : ''}`
        })
        return `| ${i === 0 ? layer : ''} | ${rate(i)} | ${cells.join(' | ')} |`
      }),
    ),
  ].join('\n')
}

function blocks(rates: readonly Rates[]): string {
  const layers = [...new Set(rates.map(({ layer }) => layer))]
  const at = (layer: string, block: number) =>
    rates.find((one) => one.layer === layer && one.method === 'greedy' && one.block === block)!
  return [
    `| layer | ${BLOCKS.map((block) => `block ${block}`).join(' | ')} |`,
    `| --- | ${BLOCKS.map(() => '---').join(' | ')} |`,
    ...layers.map((layer) => {
      const cells = BLOCKS.map((block) => {
        const { errors, time } = at(layer, block)
        return `${errors[1].toPrecision(3)}, ${errors[3].toPrecision(3)}; ${time.toPrecision(2)} µs a token`
      })
      return `| ${layer} | ${cells.join(' | ')} |`
    }),
  ].join('\n')
}

function verdict(rates: readonly Rates[]): string {
  const gain = (layer: string, method: string) => {
    const at = (name: string) =>
      rates.find((one) => one.layer === layer && one.method === name && one.block === BLOCK)!.errors
    const ratios = at(method).map((error, i) => 100 * (1 - error / at(UNIFORM)[i]))
    return `${Math.round(Math.min(...ratios))} to ${Math.round(Math.max(...ratios))} %`
  }
  const layers = [...new Set(rates.map(({ layer }) => layer))]
  return `Halvings have this much less error than a uniform sample of as many tokens, over the rates: ${layers
    .map((layer) => `${layer}: greedy ${gain(layer, 'greedy')}, pairs ${gain(layer, 'pairs')}`)
    .join('; ')}. The walk *theory*, that of the analysis, is a fair coin and keeps fewer than half.`
}

await main(import.meta.url, balanceRates)
