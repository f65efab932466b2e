#!/usr/bin/env node
/**
 * Makes every number of every page again, in order: the questions of evidence, the benches, then tables, sections, pictures, the index of evidence and the demo
 * from what they wrote. `npm run results` builds first and runs all: hours on a quiet machine, recovery-trials alone one.
 *
 *   node tools/scripts/results.mjs [names …]     those questions and bench suites only, and what is drawn from them
 *     --drawn                                    nothing is measured, only drawn
 *     --captures name q.npy k.npy v.npy …        at the end of the line: also evidence/<question>/full.json, from captures of all heads
 *     --list                                     the commands, not run
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

const args = process.argv.slice(2)
const at = args.indexOf('--captures')
const captures = at < 0 ? [] : args.splice(at).slice(1)
const [drawn, list] = ['--drawn', '--list'].map((flag) => args.includes(flag))
const names = args.filter((word) => !word.startsWith('--'))

const questions = readdirSync(`${root}evidence`).filter((name) => existsSync(`${root}evidence/${name}/ask.ts`))
const suites = readdirSync(`${root}tools/bench/src/suites`)
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => name !== 'index')
const known = [...questions, ...suites]
const unknown = names.filter((name) => !known.includes(name))
const strange = args.filter((word) => word.startsWith('--') && !['--drawn', '--list'].includes(word))
if (unknown.length > 0 || strange.length > 0 || captures.length % 4 !== 0) {
  if (captures.length % 4 !== 0) console.error('results: --captures takes groups of name q.npy k.npy v.npy')
  else console.error(`results: no ${[...strange, ...unknown].join(', ')}; there are ${known.join(', ')}`)
  process.exit(1)
}

const wanted = (name) => !drawn && (names.length === 0 || names.includes(name))
const commands = [
  ...questions.filter(wanted).flatMap((name) => [['node', `evidence/${name}/ask.ts`], ...onCaptures(name)]),
  ...suites.filter(wanted).map((name) => ['node', '--expose-gc', 'tools/bench/src/run.ts', name]),
  ['node', 'tools/bench/src/windowed-recall.ts', ...(drawn || names.length > 0 ? ['table'] : [])],
  ['node', 'evidence/kit/draw-all.ts'],
  ['node', 'tools/bench/src/tables.ts'],
  ['node', 'tools/cluster/src/tables.ts'],
  ['node', 'tools/scripts/readme-demo.mjs'],
  ['node', 'tools/mutants/tables.mjs'],
  ['node', 'tools/scripts/bundle-page.mjs'],
  ['node', 'tools/scripts/methods-table.mjs'],
  ['node', 'tools/scripts/method-pages.mjs'],
  ['node', 'tools/scripts/which-method.mjs'],
  ['node', 'tools/campaigns/src/tables.ts'],
  ['node', 'tools/campaigns/src/schemas.ts'],
]
for (const [, ...rest] of commands) {
  console.log(`\n> node ${rest.join(' ')}`)
  if (list) continue
  const { status } = spawnSync(process.execPath, rest, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** Adds captures to a question's command: fixed-memory takes one model at a time, all other questions with a full result take all models. */
function onCaptures(name) {
  if (captures.length === 0) return []
  const command = ['node', `evidence/${name}/ask.ts`]
  if (name === 'fixed-memory') {
    return Array.from({ length: captures.length / 4 }, (_, i) => {
      const [model, ...files] = captures.slice(4 * i, 4 * i + 4)
      return [...command, `${model}-full`, ...files]
    })
  }
  return existsSync(`${root}evidence/${name}/full.json`) ? [[...command, ...captures]] : []
}
