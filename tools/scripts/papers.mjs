#!/usr/bin/env node
/**
 * Checks that the links of the rows of PAPERS.md lead to what they say: `node tools/scripts/papers.mjs` prints each fault and exits 1.
 * A row is: statement, verdict, code, test, evidence. The statement leads to its section in docs/papers, which has the same verdict. Code and test
 * belong together where
 * the test names something that the code exports.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { anchorsIn, linksIn } from './markdown.mjs'

const CELLS = ['statement', 'verdict', 'code', 'test', 'evidence']
/** Code of a package, of a question or of a bench. */
const CODE = /^(?:(?:packages|tools)\/[a-z-]+\/src\/[\w/-]+|evidence\/[a-z0-9-]+\/ask)\.ts$/u
const TEST = /^(?:(?:packages|tools)\/[a-z-]+|evidence)\/test\/[\w/-]+\.test\.ts$/u

/** Statement rows of the page, by cell. */
export function rowsOf(text) {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| **'))
    .map((line) => {
      const cells = line
        .split(/(?<!\\)\|/u)
        .slice(1, -1)
        .map((cell) => cell.trim())
      return { ...Object.fromEntries(CELLS.map((name, i) => [name, cells[i] ?? ''])), cells: cells.length }
    })
}

/** Paths that a cell links to. */
export const linked = (cell) => linksIn(cell).map(({ target }) => target)

/** Names that a module exports. */
const exportsOf = (text) =>
  Array.from(
    text.matchAll(/^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gmu),
    ([, name]) => name,
  )

/** The text of a section of a page, by its anchor; undefined where there is none. */
function sectionOf(text, anchor) {
  const at = anchorsIn(text).indexOf(anchor)
  return at < 0 ? undefined : text.split(/^#{1,6} /mu)[at + 1]
}

/**
 * Faults of a row that its three links show: the statement's name must lead to its section, which has what was measured (the constant, where there is
 * one) and links to the same code
 * and the same test as the row; code and test must exist.
 */
export function clicks(row, root) {
  const [page = '', anchor] = linked(row.statement)[0]?.split('#') ?? []
  const section = existsSync(join(root, page)) ? sectionOf(readFileSync(join(root, page), 'utf8'), anchor) : undefined
  if (section === undefined) return ['the first click leads to no section']
  const said = linksIn(section).map(({ target }) => join(dirname(page), target.split('#')[0]).replaceAll('\\', '/'))
  const [code, tests] = [linked(row.code), linked(row.test)]
  const wrong = [...code, ...tests]
    .filter((path) => !said.includes(path))
    .map((path) => `the section does not lead to ${path}`)
  if (code.length + tests.length > 0 && !/\*\*(?:Measured|Constant|Errata)\.\*\* \S/u.test(section))
    wrong.push('the section says nothing of what was measured')
  return [...wrong, ...said.filter((path) => !existsSync(join(root, path))).map((path) => `there is no ${path}`)]
}

/** Faults of the rows, each with its statement. */
export function faults(text, root) {
  const read = (path) => readFileSync(join(root, path), 'utf8')
  return rowsOf(text).flatMap((row) => {
    const statement = /\[(.*?)\]/u.exec(row.statement)?.[1] ?? row.statement.slice(0, 50)
    const [code, tests, evidence] = [linked(row.code), linked(row.test), linked(row.evidence)]
    const [page, anchor] = linked(row.statement)[0]?.split('#') ?? ['']
    const section =
      existsSync(join(root, page)) && page.startsWith('docs/papers/') ? sectionOf(read(page), anchor) : undefined
    const wrong = []
    if (section === undefined) wrong.push('the statement leads to no section of docs/papers')
    else if (!section.toLowerCase().includes(`**verdict.** ${row.verdict}.`))
      wrong.push('its section has another verdict')
    if (row.cells !== CELLS.length) wrong.push(`${row.cells} cells, not ${CELLS.length}`)
    const dead = [...code, ...tests, ...evidence].filter((path) => !existsSync(join(root, path.split('#')[0])))
    wrong.push(...dead.map((path) => `there is no ${path}`))
    wrong.push(...code.filter((path) => !CODE.test(path)).map((path) => `${path} is no code`))
    wrong.push(...tests.filter((path) => !TEST.test(path)).map((path) => `${path} is no test`))
    for (const path of evidence.filter((one) => one.includes('#') && !dead.includes(one))) {
      const [other, heading] = path.split('#')
      if (!anchorsIn(read(other)).includes(heading)) wrong.push(`there is no heading for ${path}`)
    }
    if (row.verdict !== 'not yet' && (code.length === 0 || tests.length === 0))
      wrong.push('a verdict without code or test')
    if (wrong.length === 0 && code.length > 0) {
      const words = new Set(tests.flatMap((path) => read(path).match(/\w+/gu) ?? []))
      if (!code.some((path) => exportsOf(read(path)).some((name) => words.has(name))))
        wrong.push(`${tests.join(', ')} names nothing of ${code.join(', ')}`)
    }
    return wrong.map((fault) => `${statement}: ${fault}`)
  })
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = resolve(import.meta.dirname, '../..')
  const text = readFileSync(join(root, 'PAPERS.md'), 'utf8')
  const found = faults(text, root)
  for (const fault of found) console.log(fault)
  if (found.length > 0) process.exitCode = 1
  else console.log(`${rowsOf(text).length} statements lead to their code, tests and evidence`)
}
