import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Survivor {
  readonly file: string
  readonly line: number
  readonly from: string
  readonly to: string
  readonly reached?: false
  readonly now?: 'survives' | 'killed'
}
interface Sampled {
  readonly seed: number
  readonly all: number
  readonly drawn: number
  readonly left: readonly string[]
  readonly killed: number
  readonly timedOut: number
  readonly survivors: readonly Survivor[]
}

const folder = fileURLToPath(new URL('../../mutants', import.meta.url))
/** File, the beginning of what the source says, the judgement, and what the mutant says in its place; where that is absent, whatever it says. */
const judged = JSON.parse(readFileSync(`${folder}/judged.json`, 'utf8')) as readonly (readonly [
  string,
  string,
  string,
  string?,
])[]

/** Share with its interval of 95 %, by Wilson, in per cent. */
function share(found: number, of: number): string {
  if (of === 0) return '–'
  const z = 1.959964
  const p = found / of
  const centre = (p + z ** 2 / (2 * of)) / (1 + z ** 2 / of)
  const half = (z * Math.sqrt((p * (1 - p)) / of + z ** 2 / (4 * of ** 2))) / (1 + z ** 2 / of)
  return `${Math.round(100 * p)} (${Math.round(100 * (centre - half))} to ${Math.round(100 * (centre + half))})`
}

const code = (text: string) => `\`${text.replaceAll('|', '\\|').replaceAll('`', '′').slice(0, 70)}\``

/** The judgement of a survivor; undefined where nobody has judged it. */
function judgement({ file, from, to }: Survivor): string | undefined {
  return judged.find(
    ([stem, text, , other]) =>
      basename(file) === stem && from.startsWith(text) && (other === undefined || to === other),
  )?.[2]
}

const isFoundNow = ({ now }: Survivor) => now === 'killed'
const isEquivalent = (one: Survivor) => !isFoundNow(one) && judgement(one)?.startsWith('equivalent') === true

/** Tables of the samples of mutants: scores, and every survivor with what is known of it. */
export function mutantsText(): string {
  const samples = globSync('results/*.sample.json', { cwd: folder })
    .toSorted()
    .map(
      (file) =>
        [basename(file, '.sample.json'), JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as Sampled] as const,
    )
  const scores = samples.map(([name, { all, drawn, killed, timedOut, survivors, left }]) => {
    const found = killed + timedOut
    const unreached = survivors.filter(({ reached }) => reached === false).length
    const now = survivors.filter(isFoundNow).length
    const real = drawn - survivors.filter(isEquivalent).length
    const files = left.map((file) => basename(file, '.test.ts')).join(', ')
    return `| ${name} | ${drawn} of ${all} | ${found} | ${survivors.length - unreached} | ${unreached} | ${share(found, drawn)} | ${drawn - real} | ${share(found, real)} | ${now} | ${files || '–'} |`
  })
  const rows = samples.flatMap(([name, { survivors }]) =>
    survivors.map((one) => {
      const { file, line, from, to, reached } = one
      const what = isFoundNow(one)
        ? 'found since: by a new test, or by one of a file that was left out'
        : (judgement(one) ?? (reached === false ? 'not reached by the tests that ran' : 'not judged yet'))
      return `| ${name} | ${basename(file)}:${line} | ${code(from)} | ${code(to)} | ${what} |`
    }),
  )
  return [
    '| package | mutants | found | survived | not reached | found, % (95 %) | equivalent | score, % (95 %) | found since | tests left out |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...scores,
    '',
    '| package | place | was | is | judged |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}
