/**
 * `node evidence/selections/ask.ts [--text <text> | name q.npy k.npy v.npy …]`: which tokens should a budget keep, for what is
 * asked later and for a text that goes on? Five minutes for all heads of a text.
 */
import { autoStream, exactAttention, exactStream, normalise, type Stack } from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import type { Kept } from '@sublinear/kv-cache'
import type { Head } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { plot } from '../kit/plot.ts'
import { relativeError } from '../kit/trivial-answers.ts'
import { capturesNamed } from '../kit/text-captures.ts'

const [TOKENS, QUERIES, BLOCK] = [3584, 512, 256]
const SHARES = [7, 16, 32]

const kept = (by: Kept['by'], share: number, keyBits: number, valueBits: number): Kept => ({
  by,
  share,
  keyBits,
  valueBits,
})
const far = kept('farKeys', 0.7, 4, 3)

/** Tiers that are kept, with a mean token for the rest. */
export const SELECTIONS: Readonly<Record<string, readonly Kept[]>> = {
  'window 6/4': [kept('window', 1, 6, 4)],
  'h2o 6/4': [kept('h2o', 1, 6, 4)],
  'farKeys 6/4': [kept('farKeys', 1, 6, 4)],
  'farKeys 5/3': [kept('farKeys', 1, 5, 3)],
  'farKeys 6/4, farKeys 4/3': [kept('farKeys', 0.3, 6, 4), far],
  'window 8/6, farKeys 4/3': [kept('window', 0.3, 8, 6), far],
  'h2o 8/6, farKeys 4/3': [kept('h2o', 0.3, 8, 6), far],
  'farKeys 4/3, h2o 8/6': [far, kept('h2o', 0.3, 8, 6)],
}

interface Errors {
  /** Error of the next queries over the tokens before alone. */
  readonly later: number
  /** Error of the next tokens with their queries. */
  readonly causal: number
}

export interface SelectionRow {
  readonly model: string
  readonly selection: string
  /** Share of the cache, as its inverse. */
  readonly share: number
  /** ‖ô − o‖_F/‖o‖_F by head. */
  readonly errors: readonly Errors[]
}

export interface Selections {
  readonly heads: number
  readonly rows: readonly SelectionRow[]
}

export const selections: Experiment<Selections> = {
  name: 'selections',
  question: 'Which tokens should a budget keep, in how many bits?',
  inALine: ({ rows }) =>
    [...new Set(rows.map(({ model }) => model))]
      .map((model) => {
        const [least] = rows
          .filter((row) => row.model === model && row.share === 16)
          .map(({ selection }) => ({ selection, error: meanOf({ heads: 0, rows }, model, selection, 16).later }))
          .toSorted((a, b) => a.error - b.error)
        return `on ${model} heads at 1/16 of the cache ${least.selection} (error ${least.error.toFixed(3)}, later queries)`
      })
      .join('; '),
  asks:
    `Which tokens should a budget keep? A stream takes ${TOKENS} tokens of a head with their queries, and everything held is within the share of the float32 cache. Then come either the next ` +
    `${QUERIES} queries over these tokens alone (*later*), or the next ${QUERIES} tokens with their queries (*causal*). The error is ‖ô − o‖_F/‖o‖_F, mean over the heads, later / ` +
    'causal. A window keeps the newest tokens, h2o those that received the most attention (a quarter of them are the newest), and farKeys those whose keys are far from ' +
    'the mean. Numbers are bits of keys / values. The first of two selections has 0.3 of the bytes, and the second may keep tokens that the first lets go. One mean token stands for the rest.',
  run: (args) => measured(capturesNamed(args, TOKENS + QUERIES)),
  answer: (result) => `These are the ${result.heads} heads of a model in the sample:\n\n${table(result)}`,
  texts: (found) =>
    found
      .map(
        ({ text, result }) =>
          `All ${result.heads} heads over ${text[0].toUpperCase()}${text.slice(1)}:\n\n${table(result)}`,
      )
      .join('\n\n'),
  picture: (result) =>
    plot(
      'Relative error by what is kept, asked later (full) and causally (dashed)',
      modelsOf(result).map((model) => ({
        title: `${model} heads`,
        x: { label: 'cache / bytes', log: true },
        y: { label: 'relative error', most: 1 },
        lines: ['h2o 6/4', 'farKeys 5/3', 'h2o 8/6, farKeys 4/3'].flatMap((selection) =>
          (['later', 'causal'] as const).map((asked) => ({
            name: `${selection}: ${asked}`,
            dashed: asked === 'causal',
            points: SHARES.map((share) => [share, meanOf(result, model, selection, share)[asked]] as const),
          })),
        ),
      })),
    ),
}

const modelsOf = ({ rows }: Selections) => [...new Set(rows.map(({ model }) => model))]

/** Over the heads. */
export function meanOf({ rows }: Selections, model: string, selection: string, share: number): Errors {
  const { errors } = rows.find((row) => row.model === model && row.selection === selection && row.share === share)!
  const mean = (asked: keyof Errors) => errors.reduce((sum, one) => sum + one[asked] / errors.length, 0)
  return { later: mean('later'), causal: mean('causal') }
}

function table(result: Selections): string {
  const columns = modelsOf(result).flatMap((model) => SHARES.map((share) => ({ model, share })))
  const cell = (selection: string, { model, share }: (typeof columns)[number]) => {
    const { later, causal } = meanOf(result, model, selection, share)
    return `${later.toFixed(3)} / ${causal.toFixed(3)}`
  }
  return [
    `| kept | ${columns.map(({ model, share }) => `${model}, 1/${share}`).join(' | ')} |`,
    `| --- | ${columns.map(() => '---').join(' | ')} |`,
    ...Object.keys(SELECTIONS).map(
      (selection) => `| ${selection} | ${columns.map((column) => cell(selection, column)).join(' | ')} |`,
    ),
  ].join('\n')
}

function measured(captures: ReturnType<typeof capturesNamed>): Selections {
  const rows = captures.flatMap(({ name, heads }) =>
    SHARES.flatMap((share) => {
      console.error(`${name}, 1/${share}`)
      return Object.keys(SELECTIONS).map((selection): SelectionRow => {
        const errors = heads.map((head) => ofHead(head, share, selection))
        return { model: name, selection, share, errors }
      })
    }),
  )
  return { heads: captures[0].heads.length, rows }
}

/** One head under one selection. */
export function ofHead(head: Head, share: number, selection: string): Errors {
  const [d, dv] = [head.keys.cols, head.values.cols]
  const shape = { d, dv, scale: 1 / Math.sqrt(d) }
  const budgetBytes = Math.floor((4 * (d + dv) * TOKENS) / share)
  const cut = (from: number, to: number) => ({
    block: { keys: rowsOf(head.keys, from, to), values: rowsOf(head.values, from, to) },
    asked: rowsOf(head.queries, from, to),
  })
  const stack: Stack = { window: 0, kept: SELECTIONS[selection], rest: 'mean' }
  const stream = autoStream({ ...shape, budgetBytes, tokens: TOKENS, stack })
  for (let from = 0; from < TOKENS; from += BLOCK) {
    const { block, asked } = cut(from, Math.min(TOKENS, from + BLOCK))
    stream.step(block, asked)
    if (stream.bytes > budgetBytes) throw new RangeError(`selections: ${stream.bytes} bytes held of ${budgetBytes}`)
  }
  const [before, after] = [cut(0, TOKENS), cut(TOKENS, TOKENS + QUERIES)]
  const whole = exactStream(shape)
  whole.push(before.block)
  const errors = {
    later: relativeError(
      normalise(stream.attend(after.asked)),
      exactAttention({ ...before.block, queries: after.asked, scale: shape.scale }),
    ),
    causal: relativeError(
      normalise(stream.step(after.block, after.asked)),
      normalise(whole.step(after.block, after.asked)),
    ),
  }
  whole[Symbol.dispose]()
  stream[Symbol.dispose]()
  return errors
}

await main(import.meta.url, selections)
