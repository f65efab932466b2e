#!/usr/bin/env node
/** Makes the tables of docs/papers/power.md from PAPERS.md, the list of mutants and the comments of tests of chance: `node tools/mutants/tables.mjs`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { missesIn, testsOfChance } from '../scripts/chance.mjs'
import { linked, rowsOf } from '../scripts/papers.mjs'
import { MUTANTS } from './mutants.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const PAGE = `${root}docs/papers/power.md`
const stem = (path) =>
  path
    .split('/')
    .at(-1)
    .replace(/(\.test)?\.ts$/u, '')
const link = (path) => `[${stem(path)}](../../${path})`

/** The statements with the kind of evidence for their verdict, and how many faults their tests find. */
export function statements() {
  const rows = rowsOf(readFileSync(`${root}PAPERS.md`, 'utf8'))
  return [
    '| statement | verdict | kind of evidence | faults found by behaviour | by a repeated formula |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(({ statement, verdict, test, evidence }) => {
      const [, name, target] = /\[(.*?)\]\((.*?)\)/u.exec(statement)
      const tests = linked(test)
      const faults = (kind) =>
        MUTANTS.filter((one) => one.kind === kind && one.tests.some((own) => tests.includes(own))).length
      const kinds = [
        ...(tests.length > 0 ? [`tests: ${tests.map(link).join(', ')}`] : []),
        ...(linked(evidence).length > 0 ? ['experiment'] : []),
      ]
      return `| [${name}](${target.replace('docs/papers/', '')}) | ${verdict} | ${kinds.join('; ') || 'none'} | ${faults('behaviour') || '–'} | ${faults('formula') || '–'} |`
    }),
  ].join('\n')
}

/** Table of every fault and the tests that find it. */
export function faults() {
  return [
    '| fault | in | found by | on the ground of |',
    '| --- | --- | --- | --- |',
    ...MUTANTS.map(({ id, file, tests, kind, why }) => {
      const ground =
        kind === 'none'
          ? `nothing: ${why}`
          : `${kind === 'formula' ? 'the same formula in the test' : kind}${why ? `: ${why}` : ''}`
      return `| ${id} | ${link(file)} | ${kind === 'none' ? '–' : tests.map(link).join(', ')} | ${ground} |`
    }),
  ].join('\n')
}

/** Table of the tests of chance, and how often named faults pass them. */
export function misses() {
  return [
    '| test | misses |',
    '| --- | --- |',
    ...testsOfChance(root).map(
      ({ path, comments }) => `| ${link(path)} | ${missesIn(comments).join('; ').replaceAll('|', '\\|')} |`,
    ),
  ].join('\n')
}

/** The page with its tables made anew. */
export function withTables(text) {
  return Object.entries({ statements, faults, misses }).reduce(
    (page, [name, made]) =>
      page.replace(
        new RegExp(`(<!-- power:${name} -->\n).*?(<!-- /power -->)`, 'su'),
        (_, open, close) => `${open}\n${made()}\n\n${close}`,
      ),
    text,
  )
}

export function writeTables() {
  writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8')))
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) writeTables()
