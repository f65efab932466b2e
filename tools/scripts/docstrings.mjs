#!/usr/bin/env node
/**
 * Checks a lint rule: a docstring begins with a verb or a noun, and says something by itself; its guarantee and cost stand before the first tag,
 * since editors show what comes
 * behind `@throws` as part of it. `node tools/scripts/docstrings.mjs`
 * Prints file, line and words of each docstring in the sources, tests and scripts of packages, apps, tools and evidence that begins with a word that
 * only makes sense beside another
 * sentence (Of, What, Both …) or consists of a pointer ("Both.", "As above."), and exits 1.
 */
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const FIRST = /^(?:Of|What|Both|Those|That|Which|By|Its|It|So|As|These|From|On|In|Not|With)\b/u
/** A docstring whose whole text points at something said elsewhere. */
const POINTER = /^(?:The (?:same|others?|rest)|Likewise|Ditto|Same)\.?$/u
/** A guarantee or cost behind the first tag. */
const LATE = /^@[^]*?^(Guarantee|Cost)\b/mu
/** Sources, tests and scripts. */
const PLACES = [
  '{packages,apps,tools}/*/{src,test,browser}/**/*.{ts,tsx}',
  '{packages,apps,tools}/*/scripts/*.mjs',
  'tools/scripts/**/*.{ts,mjs}',
  'evidence/*/*.{ts,mjs}',
]
/** The examples of this check's own test. */
const UNREAD = 'tools/scripts/test/docstrings.test.ts'

/** Docstrings of a text that begin badly: line, and the first words. */
export function dangling(text) {
  const found = []
  for (const { index, 1: inner } of text.matchAll(/\/\*\*([\s\S]*?)\*\//gu)) {
    const said = inner.replaceAll(/^\s*\*[ ]?/gmu, '').trim()
    const at = () => text.slice(0, index).split('\n').length
    if (FIRST.test(said) || POINTER.test(said)) found.push({ line: at(), words: said.split('\n')[0].slice(0, 80) })
    if (LATE.test(said)) found.push({ line: at(), words: `${LATE.exec(said)[1]} behind a tag` })
  }
  return found
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(import.meta.dirname, '../..')
  const files = globSync(PLACES, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.includes('/node_modules/') && path !== UNREAD)
    .toSorted()
  const faults = files.flatMap((file) =>
    dangling(readFileSync(`${root}/${file}`, 'utf8')).map(({ line, words }) => `${file}:${line} ${words}`),
  )
  for (const fault of faults) console.log(fault)
  if (faults.length > 0) {
    console.log(
      `${faults.length} faults: begin with a verb or a noun of docs/glossary.md; guarantee and cost come before the first tag`,
    )
    process.exitCode = 1
  } else console.log(`docstrings of ${files.length} files begin with a verb or a noun`)
}
