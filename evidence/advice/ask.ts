/**
 * `node evidence/advice/ask.ts <name> q.npy k.npy v.npy …`: what the adviser picks for a head within shares of its float32 cache, against
 * the best single method of the catalogue seen with hindsight, and what advising costs. All tokens but the last eighth are the pilot, and are taken in; the
 * last eighth comes with its queries. Adds to result.json what is not there; with --exhaustive first among the arguments, beside what a search finds
 * that drops no candidate.
 */
import { catalogue, plan, type Plan } from '@sublinear/attention'
import { rowsOf, type Method, type Shape } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { capturesOf, type Head } from '../kit/captures.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { advicePicture, adviceTable, missed, type Advice } from './table.ts'
import { relativeError } from '../kit/trivial-answers.ts'

const SHARES = [4, 7, 16, 32]
const BLOCK = 256
/** Relative errors of the tokens after the pilot, each with its own queries. */
export function judged(head: Head, shape: Shape, pilot: number): (method: Method, options: object) => number {
  const cut = (from: number, to: number) => ({
    keys: rowsOf(head.keys, from, to),
    values: rowsOf(head.values, from, to),
  })
  const asked = rowsOf(head.queries, pilot)
  const rest = cut(pilot, head.keys.rows)
  const whole = exactStream(shape)
  whole.push(cut(0, pilot))
  const exact = normalise(whole.step(rest, asked))
  whole[Symbol.dispose]()
  return (method, options) => {
    const stream = method.make(shape, options) as ReturnType<Method['make']> & Partial<Disposable>
    const learns = method.needsQueries?.(options) ?? method.learns !== 'nothing'
    for (let from = 0; from < pilot; from += BLOCK) {
      const to = Math.min(pilot, from + BLOCK)
      if (learns) stream.step(cut(from, to), rowsOf(head.queries, from, to))
      else stream.push(cut(from, to))
    }
    const error = relativeError(normalise(stream.step(rest, asked)), exact)
    stream[Symbol.dispose]?.()
    return error
  }
}

/** A plan, and its seconds of processor time. */
async function timed(options: Parameters<typeof plan>[0]): Promise<readonly [Plan, number]> {
  const before = process.cpuUsage()
  const made = await plan(options)
  const { user, system } = process.cpuUsage(before)
  return [made, (user + system) / 1e6]
}

async function advised(set: string, head: Head, share: number, isHeldAgainst: boolean): Promise<Advice> {
  const [d, dv] = [head.keys.cols, head.values.cols]
  const shape = { d, dv, scale: 1 / Math.sqrt(d) }
  const tokens = head.keys.rows
  const pilot = Math.floor((7 * tokens) / 8)
  const budgetBytes = Math.floor((4 * (d + dv) * pilot) / share)
  const known = {
    queries: rowsOf(head.queries, 0, pilot),
    keys: rowsOf(head.keys, 0, pilot),
    values: rowsOf(head.values, 0, pilot),
  }
  const question = { ...shape, tokens, budgetBytes, pilot: known }
  const [made, seconds] = await timed(question)
  const errorOf = judged(head, shape, pilot)
  const single = Object.fromEntries(
    catalogue.flatMap((method) => {
      const options = method.within(shape, budgetBytes, { tokens }, known)
      return options ? [[method.name, errorOf(method, options)] as const] : []
    }),
  )
  const best = Object.entries(single).toSorted((a, b) => a[1] - b[1])[0][0]
  const errorOfPlan = (one: Plan) =>
    errorOf(
      catalogue.find(({ name }) => name === one.method)!,
      one.options,
    )
  const { method, options, considered, error } = made
  const [all, long = 0] = isHeldAgainst ? await timed({ ...question, exhaustive: true }) : []
  return {
    set,
    head: head.name,
    share,
    method,
    options,
    promised: error.total,
    error: errorOfPlan(made),
    best,
    single,
    seconds,
    considered: considered.length,
    ...(all && { exhaustive: { promised: all.error.total, error: errorOfPlan(all), seconds: long } }),
  }
}

export const advice: Experiment<readonly Advice[]> = {
  name: 'advice',
  question: 'Does the adviser pick as well as the best single method of each head, found with hindsight?',
  inALine: (rows) => missed(rows).split('. ')[0].replace(/^In/, 'mostly: in'),
  asks:
    'What does the adviser pick for a head within shares of its float32 cache, how does it compare with the best single method of the catalogue (found with hindsight), and what ' +
    'does advising cost? All tokens of a head but the last eighth are the pilot and are taken first; the last eighth comes with its queries. The heads come from two language ' +
    'models, an OCR recogniser and a sentence encoder. Errors are ‖ô − o‖_F/‖o‖_F, and times are seconds of processor time.',
  async run(args, { before = [], keep }) {
    const rows = [...before]
    const isHeldAgainst = args[0] === '--exhaustive'
    for (const { name, heads } of capturesOf(args.slice(isHeldAgainst ? 1 : 0))) {
      for (const head of heads) {
        for (const share of SHARES) {
          if (rows.some((row) => row.set === name && row.head === head.name && row.share === share)) continue
          rows.push(await advised(name, head, share, isHeldAgainst))
          keep(rows)
          console.error(`${name} ${head.name}, 1/${share}`)
        }
      }
    }
    return rows
  },
  file: () => 'result.json',
  answer: adviceTable,
  picture: advicePicture,
}

await main(import.meta.url, advice)
