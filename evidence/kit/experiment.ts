import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { textNamed, TEXTS, type TextCapture } from './text-captures.ts'

/** A question with a number for an answer: `run` measures, the rest is a function of what it found. */
export interface Experiment<Result> {
  /** Name of its folder, evidence/<name>, where result.json, picture.svg and README.md stand. */
  readonly name: string
  /** The question in a line of the index. */
  readonly question: string
  /** The answer in a line of the index. Markdown. */
  readonly inALine: (result: Result) => string
  /** The question as its page asks it, with the conditions. Markdown. */
  readonly asks: string
  readonly run: (args: readonly string[], kept: Kept<Result>) => Result | Promise<Result>
  /** Markdown. */
  readonly answer: (result: Result) => string
  /** SVG; left out where a few numbers say all. */
  readonly picture?: (result: Result) => string
  /** Markdown for full.json, from captures given as arguments: it stands below the answer where there is such a file. */
  readonly all?: (full: Result) => string
  /** The section of all captured heads stands on a page of its own, all-heads.md, where it would make the README too long. */
  readonly isAllApart?: boolean
  /** Markdown for the <text>.json that there are, of runs with `--text <text>`, below that. */
  readonly texts?: (found: readonly TextResult<Result>[]) => string
  /** Tables that other pages show between `<!-- answer:<name> <table> -->` and `<!-- /answer -->`; without a table's name it is the answer. */
  readonly tables?: Readonly<Record<string, (result: Result) => string>>
  /** File that a run with these arguments writes; none where they narrow it, and it is only printed. Default: result.json, full.json of captures, <text>.json. */
  readonly file?: (args: readonly string[]) => string | undefined
  /** The committed result, where runs write files of their own. */
  readonly read?: () => Result
  /** Draws what else follows from the committed results. */
  readonly elsewhere?: () => void
}

/** For runs of hours: what was found before, and a place for what was found so far. */
export interface Kept<Result> {
  readonly before: Result | undefined
  readonly keep: (soFar: Result) => void
}

export interface TextResult<Result> {
  readonly text: TextCapture['text']
  readonly result: Result
}

/** A file of an experiment. */
export const fileOf = (name: string, file: string): URL => new URL(`../${name}/${file}`, import.meta.url)
/** Page of an experiment. */
export const pageOf = (name: string): URL => fileOf(name, 'README.md')

/** Text of that page. */
export const pageText = ({ name }: { readonly name: string }): string => readFileSync(pageOf(name), 'utf8')

export function resultOf<Result>({ name, read }: Pick<Experiment<Result>, 'name' | 'read'>): Result {
  return read ? read() : (JSON.parse(readFileSync(fileOf(name, 'result.json'), 'utf8')) as Result)
}

/** The result on all captured heads, where one is committed. */
export function fullResultOf<Result>({ name }: Experiment<Result>): Result | undefined {
  const file = fileOf(name, 'full.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result) : undefined
}

/** The results on texts, in the order of their names' list. */
export function textResultsOf<Result>({ name }: Experiment<Result>): TextResult<Result>[] {
  return TEXTS.flatMap((text) => {
    const file = fileOf(name, `${text}.json`)
    return existsSync(file) ? [{ text, result: JSON.parse(readFileSync(file, 'utf8')) as Result }] : []
  })
}

const linkTo = (file: string) => `[\`${file}\`](${file})`
/** Result files of a question whose runs write their own, as its folder has them. */
const resultFiles = (name: string) =>
  globSync('*.json', { cwd: new URL('.', pageOf(name)) })
    .map((file) => file.toString())
    .toSorted()

/** The text of a page with the experiment's section brought up to date: the question, the command, the answer, the picture. */
export function withAnswer<Result>(text: string, experiment: Experiment<Result>, result: Result): string {
  const { name, asks, answer, picture, all, isAllApart, texts } = experiment
  const full = all && fullResultOf(experiment)
  const read = texts ? textResultsOf(experiment) : []
  const section = [
    asks,
    '',
    answer(result),
    '',
    ...(all && full ? [isAllApart ? '[The same on all captured heads](all-heads.md).' : all(full), ''] : []),
    ...(texts && read.length > 0 ? [texts(read), ''] : []),
    ...(picture ? [`![${name}](picture.svg)`, ''] : []),
    `[\`node evidence/${name}/ask.ts\`](ask.ts) writes ${experiment.read ? `the results (${resultFiles(name).map(linkTo).join(', ')})` : linkTo('result.json')}${picture ? ', the picture' : ''} and this page` +
      `${full ? `; with captures as arguments it writes ${linkTo('full.json')}` : ''}` +
      `${read.length > 0 ? `; with \`--text <text>\` it writes ${read.map(({ text: of }) => linkTo(`${of}.json`)).join(', ')}` : ''}.`,
  ].join('\n')
  const [open, close] = [`<!-- asked:${name} -->`, '<!-- /asked -->']
  const start = text.indexOf(open)
  const end = text.indexOf(close, start)
  if (start < 0 || end < 0)
    throw new RangeError(`evidence: evidence/${name}/README.md must have a section ${open} … ${close}`)
  return `${text.slice(0, start)}${open}\n\n${section}\n\n${text.slice(end)}`
}

/** The page of all captured heads, where an experiment has one. */
export function allApart<Result>(experiment: Experiment<Result>): string | undefined {
  const { name, asks, all, isAllApart } = experiment
  const full = isAllApart && all && fullResultOf(experiment)
  if (!full) return undefined
  const [open, close] = [`<!-- asked:${name} -->`, '<!-- /asked -->']
  return `# ${name}, on all captured heads\n\n${open}\n\n${asks} [On the committed sample](README.md).\n\n${all(full)}\n\n${close}\n`
}

/** Picture and page from the committed result. */
export function show<Result>(experiment: Experiment<Result>): void {
  const { name, picture } = experiment
  const result = resultOf(experiment)
  if (picture) writeFileSync(fileOf(name, 'picture.svg'), picture(result))
  writeFileSync(pageOf(name), withAnswer(pageText(experiment), experiment, result))
  experiment.elsewhere?.()
  const apart = allApart(experiment)
  if (apart) writeFileSync(fileOf(name, 'all-heads.md'), apart)
}

const datesFile = new URL('dates.json', import.meta.url)
/** The day on which each question was last measured, for the index. */
export const dates = (): Record<string, string> => JSON.parse(readFileSync(datesFile, 'utf8')) as Record<string, string>

/** Notes that a question was measured today. */
export function noteDate(name: string): void {
  const all = { ...dates(), [name]: new Date().toISOString().slice(0, 10) }
  const sorted = Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(datesFile, `${JSON.stringify(Object.fromEntries(sorted), null, 1)}\n`)
}

/**
 * Runs the experiment and records it where this module is the program; imported, nothing happens. `url` is its import.meta.url.
 * With arguments full.json (captures of one's own) or <text>.json (`--text <text>`) is written instead, or nothing where they narrow the run.
 */
export async function main<Result>(url: string, experiment: Experiment<Result>): Promise<void> {
  if (pathToFileURL(process.argv[1] ?? '').href !== url) return
  const args = process.argv.slice(2)
  const text = textNamed(args)
  const name = experiment.file ? experiment.file(args) : `${text ?? (args.length > 0 ? 'full' : 'result')}.json`
  const file = name === undefined || experiment.read ? undefined : fileOf(experiment.name, name)
  const keep = (result: Result) => {
    if (file) writeFileSync(file, `${JSON.stringify(result, fiveDigits, 1)}\n`)
  }
  const before = file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result) : undefined
  const result = await experiment.run(args, { before, keep })
  if (name === undefined) return console.log(JSON.stringify(result, fiveDigits, 1))
  keep(result)
  noteDate(experiment.name)
  show(experiment)
  if (text && experiment.texts) console.log(experiment.texts([{ text, result }]))
  else console.log((args.length > 0 && experiment.all ? experiment.all : experiment.answer)(result))
}

/** Five digits, so that another engine's last bits change nothing; whole numbers as they are. */
function fiveDigits(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value
}
