#!/usr/bin/env node
/**
 * Mutation testing of a random sample: of all mutants that Stryker knows of a package's sources, a seed draws some, and the tests of quick files that reach a mutant
 * are run against it, those that end soonest first, until one fails.
 *
 *   node tools/mutants/sample.mjs <package> [--mutants 50] [--seed 1] [--quick 20] [--hang 30] [--workers 1] [--again [--tests <files>]]
 *
 * --quick are CPU seconds that a test file may take to be among them, --hang those after which the tests of one file count as without end, beside
 * five times what they take without the mutant. --workers are processes at a time. --again runs only the survivors
 * of the committed result, with the tests as they are now, of which --tests, a pattern of paths, names a few: what these do not find stays as it was. It writes results/<package>.sample.json; docs/reliability.md has its table from there.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { instrumented } from './instrumented.mjs'
import { SAMPLED } from './sampled.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mutants: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    quick: { type: 'string', default: '20' },
    hang: { type: 'string', default: '30' },
    workers: { type: 'string', default: '1' },
    again: { type: 'boolean', default: false },
    tests: { type: 'string' },
  },
})
const name = positionals[0]
if (values.tests && !values.again) throw new RangeError('sample: --tests go with --again')
if (!SAMPLED[name]) throw new RangeError(`sample: no package ${name}, known: ${Object.keys(SAMPLED).join(', ')}`)
const result = new URL(`results/${name}.sample.json`, import.meta.url)

const before = existsSync(result) ? JSON.parse(readFileSync(result, 'utf8')) : undefined
/** The seed by which mutants are drawn: with --again that of the committed result. */
const seed = values.again ? String(before.seed) : values.seed

/** A mutant as a person reads it, and as it is drawn. */
function told({ fileName, location: { start, end }, mutatorName, replacement }) {
  const file = relative(root, fileName)
  const lines = readFileSync(fileName, 'utf8').split('\n')
  const from =
    start.line === end.line
      ? lines[start.line].slice(start.column, end.column)
      : `${lines[start.line].slice(start.column)} …`
  return {
    file,
    line: start.line + 1,
    mutator: mutatorName,
    from,
    to: replacement.replaceAll(/\s+/gu, ' ').slice(0, 160),
  }
}
const place = (mutant) => {
  const { start, end } = mutant.location
  const { file, to } = told(mutant)
  return createHash('sha256')
    .update([seed, file, start.line, start.column, end.line, end.column, to].join(' '))
    .digest('hex')
}

const files = globSync(SAMPLED[name].sources, { cwd: root }).map((file) => join(root, file))
const { mutants: all } = await instrumented(files)
const wanted = values.again
  ? before.survivors.map((one) => one.place)
  : all.map(place).toSorted().slice(0, Number(values.mutants))
const locations = {}
for (const mutant of all) if (wanted.includes(place(mutant))) (locations[mutant.fileName] ??= []).push(mutant.location)
const { mutants } = await instrumented(files, locations)
const drawn = mutants.filter((mutant) => wanted.includes(place(mutant)))

const folder = mkdtempSync(join(tmpdir(), 'sample-'))
writeFileSync(join(folder, 'locations.json'), JSON.stringify(locations))
const workers = Number(values.workers)
const logOf = (part) => join(folder, `outcomes-${part}.jsonl`)
for (let part = 0; part < workers; part++) writeFileSync(logOf(part), '')
const outcomes = (part) =>
  readFileSync(logOf(part), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

/** CPU seconds of a process; of this machine's clock where the system does not say. */
function secondsOf(pid, since) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /u, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return (performance.now() - since) / 1000
  }
}

/** Runs mutants in a process that is replaced where it hangs: its outcomes are in the log. */
async function round(part, ids = []) {
  const since = performance.now()
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('sample-child.mjs', import.meta.url)),
      name,
      folder,
      values.quick,
      `${part}/${workers}`,
      ids.join(','),
      ...(values.tests ? [values.tests] : []),
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  )
  let [lines, at, spent] = [0, 0, 0]
  const watch = setInterval(() => {
    const now = outcomes(part)
    spent = secondsOf(child.pid, since)
    if (now.length !== lines) [lines, at] = [now.length, spent]
    const running = now.at(-1)
    if (running?.begun !== undefined && spent - at > Number(values.hang) + 5 * running.seconds) {
      writeFileSync(logOf(part), `${JSON.stringify({ id: running.begun, status: 'timedOut' })}\n`, { flag: 'a' })
      child.kill('SIGKILL')
    }
  }, 500)
  const status = await new Promise((resolve) => child.on('exit', resolve))
  clearInterval(watch)
  return { status, spent }
}

let seconds = 0
/** Tries mutants one after the other. */
async function tried(part, ids) {
  for (let left = ids; left.length > 0;) {
    const { status, spent } = await round(part, left)
    seconds += spent
    const done = new Set(outcomes(part).flatMap(({ id }) => (id === undefined ? [] : [id])))
    const next = left.filter((id) => !done.has(id))
    if (next.length === left.length || (status !== 0 && status !== null)) break
    left = next
  }
}
const parts = Array.from({ length: workers }, (_, part) => part)
for (const { spent } of await Promise.all(parts.map((part) => round(part)))) seconds += spent
const every = drawn.map(({ id }) => id)
await Promise.all(
  parts.map((part) =>
    tried(
      part,
      every.filter((_, i) => i % workers === part),
    ),
  ),
)
const ended = parts.flatMap(outcomes).filter(({ id }) => id !== undefined)
const lost = drawn.length - ended.length
if (lost > 0) console.error(`${lost} mutants were not tried`)
const noted = parts.map((part) => JSON.parse(readFileSync(join(folder, `tests-${part}.json`), 'utf8')))
const of = (...states) => ended.filter(({ status }) => states.includes(status))
const survivors = of('survived', 'notReached').map(({ id, status }) => {
  const mutant = mutants.find((one) => one.id === id)
  return { ...told(mutant), place: place(mutant), ...(status === 'notReached' && { reached: false }) }
})
if (values.again) {
  const isLeft = (one) => survivors.some((own) => own.place === one.place)
  const isTried = (one) => drawn.some((mutant) => place(mutant) === one.place) // else its line has moved or changed
  const now = (one) => (isTried(one) ? { now: isLeft(one) ? (values.tests ? one.now : 'survives') : 'killed' } : {})
  const again = before.survivors.map((one) => ({ ...one, now: values.tests ? one.now : undefined, ...now(one) }))
  writeFileSync(result, `${JSON.stringify({ ...before, survivors: again }, undefined, 2)}\n`)
} else if (lost === 0)
  writeFileSync(
    result,
    `${JSON.stringify(
      {
        seed: Number(values.seed),
        quick: Number(values.quick),
        cpu: cpus()[0]?.model.trim() ?? 'unknown',
        load: Math.round(loadavg()[0]),
        seconds: Math.round(seconds),
        all: all.length,
        drawn: drawn.length,
        tests: noted.flatMap(({ files }) => files).length,
        left: noted.flatMap(({ left }) => left),
        killed: of('killed').length,
        timedOut: of('timedOut').length,
        survivors,
      },
      undefined,
      2,
    )}\n`,
  )
rmSync(folder, { recursive: true, force: true })
console.log(
  `${name}: ${of('killed').length} killed, ${of('timedOut').length} without end, ${survivors.length} survived, of ${ended.length}; ${Math.round(seconds)} s of CPU`,
)
for (const { file, line, from, to, reached } of survivors)
  console.log(`  ${file}:${line}:${reached === false ? ' (not reached)' : ''} ${from} -> ${to}`)
