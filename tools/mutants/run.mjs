#!/usr/bin/env node
/**
 * Puts faults into the sources, one at a time, and says whether the tests that claim to find them do.
 *
 *   node tools/mutants/run.mjs [--changed] [--commits <count>] [--since <commit>] [--only <text>] [--most <count>] [--seconds <s>] [--write]
 *
 * --most and --seconds end a run early: no mutant is begun beyond them, and those that were not run are named. --changed takes the mutants of files, and of
 * tests, that the last commits changed (10, or --commits) or that are not committed, those that changed last first; --since those that differ from a commit; --only
 * those whose name has a text. Prints a table; exit code 1 where a
 * claim is untrue: a mutant that is not found, a source that no longer has the text, a `none` that is found. --write brings the tables of
 * docs/papers/power.md up to date with the list; `node tools/mutants/tables.mjs` does that alone.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MUTANTS } from './mutants.mjs'
import { writeTables } from './tables.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { values } = parseArgs({
  options: {
    changed: { type: 'boolean' },
    commits: { type: 'string', default: '10' },
    since: { type: 'string' },
    only: { type: 'string' },
    most: { type: 'string', default: 'Infinity' },
    seconds: { type: 'string', default: 'Infinity' },
    write: { type: 'boolean' },
  },
})

/** Lines that git prints. @param {string[]} args */
const git = (...args) =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).split('\n').filter(Boolean)

/** Names of files that git says, the last changed first; none where it knows no such commit. */
function changedFiles() {
  try {
    if (values.since) return git('diff', '--name-only', values.since)
    return [...git('diff', '--name-only', 'HEAD'), ...git('log', '--name-only', '--format=', '-n', values.commits)]
  } catch {
    console.log(`NOT RUN: there is no ${values.since ?? 'HEAD'} to compare with`)
    return []
  }
}

/** @returns {readonly import('./mutants.mjs').Mutant[]} */
function chosen() {
  if (values.only) return MUTANTS.filter(({ id }) => id.includes(values.only))
  if (!values.changed && !values.since) return MUTANTS
  const order = new Map()
  for (const file of changedFiles()) if (!order.has(file)) order.set(file, order.size)
  const place = ({ file, tests }) => Math.min(...[file, ...tests].map((one) => order.get(one) ?? Infinity))
  return MUTANTS.filter((one) => place(one) < Infinity).toSorted((a, b) => place(a) - place(b))
}

/** Runs the tests of a mutant; returns what happened, and how long it took. */
function tried(mutant) {
  const source = readFileSync(`${root}${mutant.file}`, 'utf8')
  const times = source.split(mutant.from).length - 1
  if (times !== 1) return { found: `the text stands ${times} times in ${mutant.file}`, ok: false }
  if (mutant.kind === 'none') return { found: 'not looked for', ok: true }
  const started = performance.now()
  const { status, stdout } = spawnSync(
    process.execPath,
    [`${root}node_modules/vitest/vitest.mjs`, 'run', '--config', 'tools/mutants/vitest.config.ts', ...mutant.tests],
    { cwd: root, encoding: 'utf8', env: { ...process.env, MUTANT: mutant.id } },
  )
  const broken = /No test files found|Startup Error|Failed Suites/.test(stdout)
  const seconds = (performance.now() - started) / 1000
  if (broken) return { found: 'the tests did not run', ok: false, seconds }
  return status === 0 ? { found: 'no', ok: false, seconds } : { found: 'yes', ok: true, seconds }
}

const rows = []
let untrue = 0
const [most, seconds] = [Number(values.most), Number(values.seconds)]
const began = performance.now()
const left = []
let run = 0
for (const mutant of chosen()) {
  if (mutant.kind !== 'none' && (run >= most || performance.now() - began > 1000 * seconds)) {
    left.push(mutant.id)
    continue
  }
  if (mutant.kind !== 'none') run++
  const result = tried(mutant)
  if (!result.ok) untrue++
  rows.push({ mutant, ...result })
  console.log(
    `${result.ok ? ' ' : '!'} ${mutant.id}: ${result.found}${result.seconds ? `, ${result.seconds.toFixed(0)} s` : ''}`,
  )
}
if (left.length > 0) console.log(`NOT RUN, beyond ${most} mutants or ${seconds} s: ${left.join('; ')}`)
console.log(`${rows.length} mutants, ${untrue} claims untrue`)
if (values.write && untrue === 0) writeTables()
process.exitCode = untrue > 0 ? 1 : 0
