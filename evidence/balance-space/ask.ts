/**
 * `node evidence/balance-space/ask.ts`: what BalanceKV holds for an error in the unit of its theorems, beside the lower bound of
 * Theorem 3.2 and the size of Theorem 3.1, where the premises hold. A minute.
 */
import { balanceKv, exactAttention, normalise, type Matrix } from '@sublinear/attention'
import { balanceKvLeast, balanceKvSize } from '@sublinear/balance-kv'
import { normals } from '../kit/diffuse-head.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { plot } from '../kit/plot.ts'
import { pick, uniformSample } from '../kit/trivial-answers.ts'

const [N, D, QUERIES] = [16384, 16, 64]
const NORMS = [1, 2]
const TOKENS = [32, 64, 128, 256, 512, 1024, 2048]
const SEEDS = [1, 2, 3, 4]

export interface Space {
  /** r: every query and key has this length. */
  readonly norm: number
  readonly method: string
  /** Numbers held, and the error that came of it: the largest over queries, mean over seeds, in units of ‖softmax‖₂·‖V‖_F. */
  readonly numbers: number
  readonly epsilon: number
}

export const balanceSpace: Experiment<readonly Space[]> = {
  name: 'balance-space',
  question: 'How many numbers does an error cost, between the two bounds of BalanceKV?',
  inALine: (all) => firstSentence(balanceSpace.answer(all)),
  asks:
    `How much must BalanceKV hold for an error ε·‖softmax‖₂·‖V‖_F, between the lower bound of Theorem 3.2 and the size of Theorem 3.1? Queries and keys have length r and lie on a sphere, ` +
    `d = dv = ${D}, the scale is 1/√d, n = ${N}, and values are Gaussian. ε is the largest error of ${QUERIES} queries, mean over ${SEEDS.length} seeds.`,
  run: () => NORMS.flatMap((norm) => spaceOf(norm)),
  answer: (all) =>
    [
      verdict(all),
      '',
      `| r | ε at | ${TOKENS.map((tokens) => `${tokens} tokens`).join(' | ')} |`,
      `| --- | --- | ${TOKENS.map(() => '---').join(' | ')} |`,
      ...NORMS.flatMap((norm) => {
        const own = all.filter((one) => one.norm === norm)
        const methods = [...new Set(own.map(({ method }) => method))]
        return methods.map((method, i) => {
          const cells = own.filter((one) => one.method === method).map(({ epsilon }) => epsilon.toPrecision(3))
          return `| ${i === 0 ? norm : ''} | ${method} | ${cells.join(' | ')} |`
        })
      }),
    ].join('\n'),
  picture: (all) =>
    plot(
      'Numbers held against the error ε',
      NORMS.map((norm) => {
        const own = all.filter((one) => one.norm === norm)
        const epsilons = own.map(({ epsilon }) => epsilon).toSorted((a, b) => a - b)
        return {
          title: `r = ${norm}`,
          x: { label: 'ε', log: true },
          y: { label: 'numbers', log: true },
          lines: [
            ...[...new Set(own.map(({ method }) => method))].map((method) => ({
              name: method,
              points: own
                .filter((one) => one.method === method)
                .map(({ epsilon, numbers }) => [epsilon, numbers] as const),
            })),
            {
              name: 'Theorem 3.2, from below',
              dashed: true,
              points: epsilons.map(
                (epsilon) => [epsilon, balanceKvLeast({ d: D, scale: 1 / Math.sqrt(D), norm, epsilon }).least] as const,
              ),
            },
            {
              name: 'Theorem 3.1, with its constants',
              dashed: true,
              points: epsilons.map((epsilon) => [epsilon, theorySize(norm, epsilon)] as const),
            },
          ],
        }
      }),
    ),
}

function theorySize(norm: number, epsilon: number): number {
  const { tokens } = balanceKvSize({ d: D, dv: D, scale: 1 / Math.sqrt(D), norm, epsilon, delta: 0.01, n: 2 ** 40 })
  return tokens * (2 * D + 1)
}

export function spaceOf(norm: number, sizes = TOKENS, seeds = SEEDS): Space[] {
  const scale = 1 / Math.sqrt(D)
  const [keys, queries] = [sphere(N, norm, 1), sphere(QUERIES, norm, 2)]
  const values = normals(N, D, 3, 1)
  const exact = exactAttention({ queries, keys, values, scale })
  const units = unitsOf(queries, keys, values, scale)
  const worst = (answers: Matrix) => {
    let most = 0
    for (const [q, unit] of units.entries()) {
      let square = 0
      for (let c = q * D; c < (q + 1) * D; c++) square += (answers.data[c] - exact.data[c]) ** 2
      most = Math.max(most, Math.sqrt(square) / unit)
    }
    return most
  }
  const mean = (of: (seed: number) => number) => seeds.reduce((sum, seed) => sum + of(seed), 0) / seeds.length
  const method = (name: string, answers: (tokens: number, seed: number) => Matrix) =>
    sizes.map((tokens) => ({
      norm,
      method: name,
      numbers: tokens * (2 * D + 1),
      epsilon: mean((seed) => worst(answers(tokens, seed))),
    }))
  const stream = (mode: 'greedy' | 'pairs' | 'theory') => (tokens: number, seed: number) => {
    using own = balanceKv({ d: D, dv: D, scale, seed, mode, budget: 4 * (2 * D + 2) * (tokens + 1) + 200 })
    own.push({ keys, values })
    return normalise(own.attend(queries))
  }
  return [
    ...method('uniform sample', (tokens, seed) => {
      const rows = uniformSample(N, tokens, seed)
      return exactAttention({ queries, keys: pick(keys, rows), values: pick(values, rows), scale })
    }),
    ...method('theory', stream('theory')),
    ...method('pairs', stream('pairs')),
    ...method('greedy', stream('greedy')),
  ]
}

function sphere(rows: number, norm: number, seed: number): Matrix {
  const out = normals(rows, D, seed, 1)
  for (let r = 0; r < rows; r++) {
    const own = out.data.subarray(r * D, (r + 1) * D)
    const length = Math.hypot(...own)
    for (let c = 0; c < D; c++) own[c] *= norm / length
  }
  return out
}

/** ‖softmax‖₂·‖V‖_F of every query: from the masses of e^s and e^{2s}. */
function unitsOf(queries: Matrix, keys: Matrix, values: Matrix, scale: number): number[] {
  const frobenius = Math.hypot(
    ...Array.from({ length: values.rows }, (_, r) => Math.hypot(...values.data.subarray(r * D, (r + 1) * D))),
  )
  return Array.from({ length: queries.rows }, (_, q) => {
    let [mass, doubled] = [0, 0]
    for (let j = 0; j < keys.rows; j++) {
      let score = 0
      for (let c = 0; c < D; c++) score += scale * queries.data[q * D + c] * keys.data[j * D + c]
      mass += Math.exp(score)
      doubled += Math.exp(2 * score)
    }
    return (Math.sqrt(doubled) / mass) * frobenius
  })
}

function verdict(all: readonly Space[]): string {
  const words = NORMS.map((norm) => {
    const slope = (method: string) => {
      const own = all.filter((one) => one.norm === norm && one.method === method)
      const [a, b] = [own[0], own.at(-1)!]
      return (Math.log(b.numbers / a.numbers) / Math.log(a.epsilon / b.epsilon)).toFixed(2)
    }
    return `r = ${norm}: uniform ε^−${slope('uniform sample')}, greedy ε^−${slope('greedy')}, pairs ε^−${slope('pairs')}`
  })
  return (
    `The numbers that must be held for an error ε grow as ${words.join('; ')}; sampling has the exponent −2, and the theorem's rate would be −1. The size from Theorem 3.1's constants ` +
    `is larger than the stream everywhere here. The lower bound, without its constant, is at most ${Math.round(leastOf(all))} numbers, and a token has ${2 * D + 1}.`
  )
}

function leastOf(all: readonly Space[]): number {
  const bounds = all.map(({ norm, epsilon }) => balanceKvLeast({ d: D, scale: 1 / Math.sqrt(D), norm, epsilon }).least)
  return Math.max(...bounds)
}

await main(import.meta.url, balanceSpace)
