import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { textNamed, TEXTS, type TextCapture } from './text-captures.ts'

/** A question with a number for an answer: `run` measures, the rest is a function of what it found. */
export interface Experiment<Result> {
  /** Name of the script in package.json, of results/<name>.json and .svg. */
  readonly name: string
  readonly asks: string
  readonly run: (args: readonly string[]) => Result | Promise<Result>
  /** Markdown. */
  readonly answer: (result: Result) => string
  /** SVG. */
  readonly picture: (result: Result) => string
  /** Markdown for results/<name>-full.json, from captures given as arguments: it stands below the answer where there is such a file. */
  readonly all?: (full: Result) => string
  /** Markdown for the results/<name>-<text>.json that there are, of runs with `--text <text>`, below that. */
  readonly texts?: (found: readonly TextResult<Result>[]) => string
}

export interface TextResult<Result> {
  readonly text: TextCapture['text']
  readonly result: Result
}

const results = new URL('../results/', import.meta.url)
/** Page of an experiment: questions/<name>.md. */
export const pageOf = (name: string): URL => new URL(`../questions/${name}.md`, import.meta.url)

/** Text of that page. */
export const pageText = ({ name }: { readonly name: string }): string => readFileSync(pageOf(name), 'utf8')

export function resultOf<Result>({ name }: Experiment<Result>): Result {
  return JSON.parse(readFileSync(new URL(`${name}.json`, results), 'utf8')) as Result
}

/** The result on all captured heads, where one is committed. */
export function fullResultOf<Result>({ name }: Experiment<Result>): Result | undefined {
  const file = new URL(`${name}-full.json`, results)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result) : undefined
}

/** The results on texts, in the order of their names' list. */
export function textResultsOf<Result>({ name }: Experiment<Result>): TextResult<Result>[] {
  return TEXTS.flatMap((text) => {
    const file = new URL(`${name}-${text}.json`, results)
    return existsSync(file) ? [{ text, result: JSON.parse(readFileSync(file, 'utf8')) as Result }] : []
  })
}

/** The text of a page with the experiment's section brought up to date: the question, the command, the answer, the picture. */
export function withAnswer<Result>(text: string, experiment: Experiment<Result>, result: Result): string {
  const { name, asks, answer, all, texts } = experiment
  const full = all && fullResultOf(experiment)
  const read = texts ? textResultsOf(experiment) : []
  const section = [
    asks,
    '',
    answer(result),
    '',
    ...(all && full ? [all(full), ''] : []),
    ...(texts && read.length > 0 ? [texts(read), ''] : []),
    `![${name}](../results/${name}.svg)`,
    '',
    `\`pnpm --filter @sublinear/experiments run ${name}\` writes \`results/${name}.json\`, the picture and this page` +
      `${full ? `; with captures as arguments, \`results/${name}-full.json\`` : ''}` +
      `${read.length > 0 ? `; with \`--text <text>\`, \`results/${name}-<text>.json\`` : ''}.`,
  ].join('\n')
  const [open, close] = [`<!-- asked:${name} -->`, '<!-- /asked -->']
  const start = text.indexOf(open)
  const end = text.indexOf(close, start)
  if (start < 0 || end < 0)
    throw new RangeError(`experiments: questions/${name}.md must have a section ${open} … ${close}`)
  return `${text.slice(0, start)}${open}\n\n${section}\n\n${text.slice(end)}`
}

/** Picture and page from the committed result. */
export function show<Result>(experiment: Experiment<Result>): void {
  const result = resultOf(experiment)
  writeFileSync(new URL(`${experiment.name}.svg`, results), experiment.picture(result))
  writeFileSync(pageOf(experiment.name), withAnswer(pageText(experiment), experiment, result))
}

/**
 * Runs the experiment and records it where this module is the program; imported, nothing happens. `url` is its import.meta.url.
 * With arguments results/<name>-full.json (captures of one's own) or results/<name>-<text>.json (`--text <text>`) is written instead.
 */
export async function main<Result>(url: string, experiment: Experiment<Result>): Promise<void> {
  if (pathToFileURL(process.argv[1] ?? '').href !== url) return
  const args = process.argv.slice(2)
  const result = await experiment.run(args)
  mkdirSync(results, { recursive: true })
  const text = textNamed(args)
  const file = `${experiment.name}${text ? `-${text}` : args.length > 0 ? '-full' : ''}.json`
  writeFileSync(new URL(file, results), `${JSON.stringify(result, fiveDigits, 1)}\n`)
  show(experiment)
  if (text && experiment.texts) console.log(experiment.texts([{ text, result }]))
  else console.log((args.length > 0 && experiment.all ? experiment.all : experiment.answer)(result))
}

/** Five digits, so that another engine's last bits change nothing; whole numbers as they are. */
function fiveDigits(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value
}
