/**
 * `node evidence/auto-board/ask.ts [--text <text> | name q.npy k.npy v.npy …]`: autoStream at equal bytes, by recipes from a
 * head's own first 2048 tokens and from another text, on the committed sample of both models, all heads over a held-out text, or the captures
 * given (named sharp or bounded, of all heads). Some ten minutes for all heads.
 */
import { autoStream, exactAttention, normalise, type AttentionStream, type Stack } from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import { plan, type Task } from '@sublinear/adviser'
import { againstPolicies } from './against-policies.ts'
import { bestBits, type Judged } from '../kit/best-bits.ts'
import type { Head } from '../kit/captures.ts'
import { main, textResultsOf, type Experiment } from '../kit/experiment.ts'
import { mean } from '../kit/mean.ts'
import { methodsNamed } from '../kit/methods-named.ts'
import { plot } from '../kit/plot.ts'
import { policies } from '../policies/ask.ts'
import { meanOf, relativeError } from '../kit/trivial-answers.ts'
import { capturedHeads, capturesNamed, textNamed, type TextCapture } from '../kit/text-captures.ts'

const [TOKENS, QUERIES, PILOT] = [3584, 512, 2048]
const SHARES = [4, 7, 16, 32]

const METHODS = [
  'mean of the values',
  'every token, best bits',
  'no recipe',
  'own first 2048',
  'another text',
  'own, asked later only',
] as const
/** Tokens a call where queries come with them. */
const BLOCK = 256

export interface AutoRow {
  readonly model: string
  readonly method: (typeof METHODS)[number]
  /** Share of the float32 cache, as its inverse. */
  readonly share: number
  /** The most that any head held. */
  readonly bytes: number
  /** ‖ô − o‖_F/‖o‖_F of the queries over the tokens before, by head; null where no bits fit. */
  readonly errors: readonly (number | null)[]
  /** The same errors of the tokens since, each with its own queries over all before it; null where not asked. */
  readonly causal: readonly (number | null)[]
  /** Rests that recipes chose, and how often. */
  readonly rests?: Readonly<Record<string, number>>
}

export interface AutoBoard {
  readonly heads: number
  readonly rows: readonly AutoRow[]
}

export const autoBoard: Experiment<AutoBoard> = {
  name: 'auto-board',
  question: 'How much does a recipe for each head gain, and does it hold on text that it was not made from?',
  inALine: ({ rows }) =>
    (['bounded', 'sharp'] as const)
      .map((model) => {
        const of = (method: AutoRow['method']) =>
          mean(
            rows.find((row) => row.model === model && row.method === method && row.share === 16)!.errors as number[],
          ).toFixed(3)
        return `at 1/16 the error on ${model} heads is ${of('another text')} with a recipe from another text, ${of('no recipe')} with none`
      })
      .join('; '),
  asks:
    `How far off are answers of autoStream at equal bytes, and does a recipe hold on text that it was not made from? A stream takes ${TOKENS} tokens of a head with their ` +
    `queries. Then come either the next ${QUERIES} queries over these tokens alone (*later*) or the next ${QUERIES} tokens with their queries (*causal*). The error is ` +
    '‖ô − o‖_F/‖o‖_F, mean over the heads; answering zero has error 1. Everything held counts, and is never more than the share of the float32 cache. Recipes are made from the ' +
    `head's own first ${PILOT} tokens, or from as many of another text, for all ${TOKENS + QUERIES} tokens to come. “asked later only” pushes the ${TOKENS} tokens without ` +
    'queries, with a recipe for later queries alone. “Best bits” quantises every token, with the bits that turn out best for each head (found with hindsight).',
  run: (args) => measured(capturesNamed(args, TOKENS + QUERIES), args),
  answer: (result) =>
    `${autoTable(result)}\n\nErrors are means over the ${result.heads} heads of a model in the sample.`,
  texts: (found) =>
    found
      .flatMap(({ text, result }) => {
        const single = textResultsOf(policies).find((one) => one.text === text)
        const head = `All ${result.heads} heads over ${text[0].toUpperCase()}${text.slice(1)}, recipes “of another text” come from ${otherText(text)[0].toUpperCase()}${otherText(text).slice(1)}`
        const own = `${head}:\n\n${autoTable(result)}`
        return single
          ? `${own}\n\nThis table compares, for later queries, with the best single policy of each column in [policies](../policies/README.md):\n\n${againstPolicies(result.rows, single.result)}`
          : own
      })
      .join('\n\n'),
  picture: ({ rows }) =>
    plot(
      'Relative error of autoStream against the share of the cache',
      [...new Set(rows.map(({ model }) => model))].map((model) => ({
        title: `${model} heads`,
        x: { label: 'cache / bytes', log: true },
        y: { label: 'relative error', most: 1 },
        lines: METHODS.map((method, i) => ({
          name: method,
          dashed: i < 2,
          points: rows
            .filter((row) => row.model === model && row.method === method && meanOver(row.errors) !== undefined)
            .map((row) => [row.share, meanOver(row.errors)!] as const),
        })),
      })),
    ),
}

/** The text that recipes come from where a head reads this one, or the sample. */
function otherText(text: TextCapture['text'] | undefined): TextCapture['text'] {
  return text === undefined || text === 'revelation' ? 'romans' : 'revelation'
}

/** The mean over the heads; undefined where it was not asked of all. */
export function meanOver(errors: readonly (number | null)[]): number | undefined {
  return errors.includes(null) ? undefined : (errors as number[]).reduce((a, b) => a + b, 0) / errors.length
}

export function autoTable({ rows }: AutoBoard): string {
  const models = [...new Set(rows.map(({ model }) => model))]
  const columns = models.flatMap((model) => SHARES.map((share) => ({ model, share })))
  const lines = (['errors', 'causal'] as const).flatMap((asked) =>
    METHODS.map((method) => {
      const cells = columns.map(({ model, share }) => {
        const row = rows.find((one) => one.method === method && one.model === model && one.share === share)!
        return meanOver(row[asked])?.toFixed(3)
      })
      return cells.every((cell) => cell === undefined)
        ? []
        : `| ${asked === 'errors' ? 'later' : 'causal'}: ${method} | ${cells.map((cell) => cell ?? '–').join(' | ')} |`
    }),
  )
  return [
    `| held | ${columns.map(({ model, share }) => `${model}, 1/${share}`).join(' | ')} |`,
    `| --- | ${columns.map(() => '---').join(' | ')} |`,
    ...lines.flat(),
  ].join('\n')
}

async function measured(captures: ReturnType<typeof capturesNamed>, args: readonly string[]): Promise<AutoBoard> {
  const text = otherText(textNamed(args))
  const rows: AutoRow[] = []
  for (const { name, heads } of captures) {
    const others = capturedHeads({ model: name as TextCapture['model'], text, tokens: TOKENS + QUERIES })
    for (const share of SHARES) {
      const found: Awaited<ReturnType<typeof ofHead>>[] = []
      for (const head of heads) found.push(await ofHead(head, otherOf(head, others, args.length > 0), share))
      console.error(`${name}, 1/${share}`)
      for (const method of METHODS) {
        const own = found.map((one) => one[method])
        const rests: Record<string, number> = {}
        for (const { stack } of own) if (stack) rests[stack.rest] = (rests[stack.rest] ?? 0) + 1
        rows.push({
          model: name,
          method,
          share,
          bytes: Math.max(...own.map(({ bytes }) => bytes)),
          errors: own.map(({ error }) => error),
          causal: own.map(({ causal }) => causal ?? null),
          ...(/own|text/.test(method) ? { rests } : {}),
        })
      }
    }
  }
  return { heads: captures[0].heads.length, rows }
}

/** The same head on another text; layers of the sample are 0 and 2 of the model. */
function otherOf({ name }: Head, others: readonly Head[], isAll: boolean): Head {
  const [layer, head] = name.split('.').map(Number) as [number, number]
  return others.find((other) => other.name === `${isAll ? layer : 2 * layer}.${head}`)!
}

interface Found extends Judged {
  readonly causal?: number
  readonly stack?: Stack
}

/** One head under these methods; `other` is the same head on another text. */
export async function ofHead(
  head: Head,
  other: Head,
  share: number,
  methods: readonly AutoRow['method'][] = METHODS,
): Promise<Record<AutoRow['method'], Found>> {
  const [d, dv] = [head.keys.cols, head.values.cols]
  const shape = { d, dv, scale: 1 / Math.sqrt(d) }
  const budgetBytes = Math.floor((4 * (d + dv) * TOKENS) / share)
  const [keys, values] = [rowsOf(head.keys, 0, TOKENS), rowsOf(head.values, 0, TOKENS)]
  const queries = rowsOf(head.queries, TOKENS, TOKENS + QUERIES)
  const exact = exactAttention({ queries, keys, values, scale: shape.scale })

  const since = rowsOf(head.keys, TOKENS, TOKENS + QUERIES)
  const sinceValues = rowsOf(head.values, TOKENS, TOKENS + QUERIES)
  const causalExact = rowsOf(
    exactAttention({
      queries: rowsOf(head.queries, 0, TOKENS + QUERIES),
      keys: rowsOf(head.keys, 0, TOKENS + QUERIES),
      values: rowsOf(head.values, 0, TOKENS + QUERIES),
      scale: shape.scale,
      causal: true,
    }),
    TOKENS,
  )

  const judged = (stream: AttentionStream & Disposable, withQueries = true): Found => {
    for (let from = 0; from < TOKENS; from += BLOCK) {
      const to = Math.min(TOKENS, from + BLOCK)
      const block = { keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) }
      if (withQueries) stream.step(block, rowsOf(head.queries, from, to))
      else stream.push(block)
      if (stream.bytes > budgetBytes) throw new RangeError(`auto-board: ${stream.bytes} bytes held of ${budgetBytes}`)
    }
    const error = relativeError(normalise(stream.attend(queries)), exact)
    const own = normalise(stream.step({ keys: since, values: sinceValues }, queries))
    const found = { error, causal: relativeError(own, causalExact), bytes: stream.bytes }
    stream[Symbol.dispose]()
    if (found.bytes > budgetBytes) throw new RangeError(`auto-board: ${found.bytes} bytes held of ${budgetBytes}`)
    return found
  }
  const auto = (stack?: Stack, task: Task = 'both'): Found => {
    const stream = autoStream({ ...shape, budgetBytes, tokens: lengthOf(task), ...(stack && { stack }) })
    return { ...judged(stream, task !== 'rows'), stack: stream.stack }
  }
  const advised = async (other: Head, task: Task = 'both') => {
    const pilot = {
      queries: rowsOf(other.queries, 0, PILOT),
      keys: rowsOf(other.keys, 0, PILOT),
      values: rowsOf(other.values, 0, PILOT),
    }
    const methods = methodsNamed('auto')
    const { options } = await plan({ ...shape, methods, pilot, budgetBytes, tokens: lengthOf(task), task })
    return auto((options as { readonly stack?: Stack }).stack, task)
  }
  const found: Record<AutoRow['method'], () => Found | Promise<Found>> = {
    'mean of the values': () => ({ error: relativeError(meanOf(values, QUERIES), exact), bytes: 4 * dv }),
    'every token, best bits': () => laterAlone(bestBits(shape, TOKENS, budgetBytes, (stream) => judged(stream, false))),
    'no recipe': () => auto(),
    'own first 2048': () => advised(head),
    'another text': () => advised(other),
    'own, asked later only': () => advised(head, 'rows'),
  }
  const judgedOf: Partial<Record<AutoRow['method'], Found>> = {}
  for (const method of methods) judgedOf[method] = await found[method]()
  return judgedOf as Record<AutoRow['method'], Found>
}

/** A window of these tokens and no more has lost the first by the time the next ones ask. */
const laterAlone = ({ error, bytes }: Judged): Found => ({ error, bytes })

/** Length of the stream to come: the tokens, and those with queries too where these are asked. */
const lengthOf = (task: Task) => (task === 'rows' ? TOKENS : TOKENS + QUERIES)

await main(import.meta.url, autoBoard)
