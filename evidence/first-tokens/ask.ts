/**
 * `node evidence/first-tokens/ask.ts`: what the first 64 tokens cost that a fresh process decodes with the small model, against later ones. CPU time of
 * the whole process, what V8 compiles beside included; processes in turns, medians.
 */
import { execFileSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { main, type Experiment } from '../kit/experiment.ts'
import { markdownTable } from '../kit/markdown.ts'
import { KINDS, type Costs } from './child.ts'

/** Tokens read before, in one call. */
const PROMPTS = [16, 1000, 2048]
const ROUNDS = 5

interface FirstTokens {
  readonly cpu: string
  readonly node: string
  readonly load: number
  readonly rounds: number
  /** Microseconds a token of the first 64 and of later ones, and of loading the model. */
  readonly rows: readonly ({ readonly stream: string; readonly prompt: number; readonly ratio: number } & Costs)[]
}

const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1]

export const firstTokens: Experiment<FirstTokens> = {
  name: 'first-tokens',
  question: 'How much more do the first 64 decoded tokens of a process cost than later ones?',
  inALine: ({ rows }) => {
    const ratios = rows.map(({ ratio }) => ratio)
    return `${Math.min(...ratios).toFixed(1)} to ${Math.max(...ratios).toFixed(1)} times as much CPU time`
  },
  asks: 'How much more do the first 64 tokens cost that a fresh process decodes with the small model, compared with later ones? Times are CPU times of the whole process, including the compilation that V8 does in the background. Processes take turns, and the numbers are medians.',
  run() {
    const child = fileURLToPath(new URL('child.ts', import.meta.url))
    const cells = PROMPTS.flatMap((tokens) => Object.keys(KINDS).map((name) => ({ name, tokens, all: [] as Costs[] })))
    for (let round = 0; round < ROUNDS; round++) {
      for (const { name, tokens, all } of cells)
        all.push(
          JSON.parse(execFileSync(process.execPath, [child, name, String(tokens)], { encoding: 'utf8' })) as Costs,
        )
    }
    const rows = cells.map(({ name, tokens, all }) => ({
      stream: name,
      prompt: tokens,
      first: median(all.map(({ first }) => first)),
      later: median(all.map(({ later }) => later)),
      ratio: median(all.map(({ first, later }) => first / later)),
      load: median(all.map(({ load }) => load)),
    }))
    return { cpu: cpus()[0].model, node: process.version, load: loadavg()[0], rounds: ROUNDS, rows }
  },
  answer: ({ cpu, node, load, rounds, rows }) =>
    [
      markdownTable(
        [
          'heads remember with',
          'tokens read before',
          'µs a token of the first 64',
          'later',
          'ratio',
          'ms to load the model',
        ],
        rows.map((row) => [
          row.stream,
          row.prompt,
          row.first.toFixed(0),
          row.later.toFixed(0),
          row.ratio.toFixed(2),
          (row.load / 1000).toFixed(0),
        ]),
      ),
      '',
      `${cpu}, Node ${node}, load ${load.toFixed(1)} when it ended, medians of ${rounds} rounds.`,
    ].join('\n'),
}

await main(import.meta.url, firstTokens)
