#!/usr/bin/env node
/**
 * Every number of every page, made again, in order: the experiments, the benches, then tables, sections, pictures and the demo from what
 * they wrote. `npm run results` builds first and runs all: hours on a quiet machine, recovery-trials alone one.
 *
 *   node tools/scripts/results.mjs [names …]     those experiments and bench suites only, and what is drawn from them
 *     --drawn                                    nothing is measured, only drawn
 *     --captures name q.npy k.npy v.npy …        at the end of the line: also results/*-full.json, from captures of all heads
 *     --list                                     the commands, not run
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Scripts of the experiments that draw and measure nothing. */
const DRAWN = ['questions', 'tables']
/** Scripts that fill a cache for the others, which ask for what they need. */
const CACHED = ['captures']

const args = process.argv.slice(2)
const at = args.indexOf('--captures')
const captures = at < 0 ? [] : args.splice(at).slice(1)
const [drawn, list] = ['--drawn', '--list'].map((flag) => args.includes(flag))
const names = args.filter((word) => !word.startsWith('--'))

const { scripts } = JSON.parse(readFileSync(`${root}tools/experiments/package.json`, 'utf8'))
const experiments = Object.keys(scripts).filter((name) => ![...DRAWN, ...CACHED].includes(name))
const suites = readdirSync(`${root}tools/bench/src/suites`)
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => name !== 'index')
const known = [...experiments, ...suites]
const unknown = names.filter((name) => !known.includes(name))
const strange = args.filter((word) => word.startsWith('--') && !['--drawn', '--list'].includes(word))
if (unknown.length > 0 || strange.length > 0 || captures.length % 4 !== 0) {
  if (captures.length % 4 !== 0) console.error('results: --captures takes groups of name q.npy k.npy v.npy')
  else console.error(`results: no ${[...strange, ...unknown].join(', ')}; there are ${known.join(', ')}`)
  process.exit(1)
}

const wanted = (name) => !drawn && (names.length === 0 || names.includes(name))
const commands = [
  ...experiments.filter(wanted).flatMap((name) => [['node', `tools/experiments/src/${name}.ts`], ...onCaptures(name)]),
  ...suites.filter(wanted).map((name) => ['node', '--expose-gc', 'tools/bench/src/run.ts', name]),
  ...DRAWN.map((name) => ['node', `tools/experiments/src/${name}.ts`]),
  ['node', 'tools/bench/src/tables.ts'],
  ['node', 'tools/cluster/src/tables.ts'],
  ['node', 'tools/scripts/readme-demo.mjs'],
  ['node', 'tools/mutants/tables.mjs'],
  ['node', 'tools/campaigns/src/tables.ts'],
  ['node', 'tools/campaigns/src/schemas.ts'],
]
for (const [, ...rest] of commands) {
  console.log(`\n> node ${rest.join(' ')}`)
  if (list) continue
  const { status } = spawnSync(process.execPath, rest, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** fixed-memory takes one model at a time; the others that have a full result take all. */
function onCaptures(name) {
  if (captures.length === 0) return []
  const command = ['node', `tools/experiments/src/${name}.ts`]
  if (name === 'fixed-memory') {
    return Array.from({ length: captures.length / 4 }, (_, i) => {
      const [model, ...files] = captures.slice(4 * i, 4 * i + 4)
      return [...command, `${model}-full`, ...files]
    })
  }
  return existsSync(`${root}tools/experiments/results/${name}-full.json`) ? [[...command, ...captures]] : []
}
