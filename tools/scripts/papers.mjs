#!/usr/bin/env node
/**
 * The rows of PAPERS.md, and whether their links lead to what they say: `node tools/scripts/papers.mjs` prints each fault and exits 1.
 * A row is: statement, code, test, evidence, constant measured, errata, verdict. Code and test belong together where the test names something that the code exports.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { anchorsIn, linksIn } from './markdown.mjs'

const CELLS = ['statement', 'code', 'test', 'evidence', 'constant', 'errata', 'verdict']
/** Code of a package, of an experiment or of a bench. */
const CODE = /^(?:packages|tools)\/[a-z-]+\/src\/[\w/-]+\.ts$/u
const TEST = /^(?:packages|tools)\/[a-z-]+\/test\/[\w/-]+\.test\.ts$/u

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

/** Faults of the rows, each with its statement. */
export function faults(text, root) {
  const read = (path) => readFileSync(join(root, path), 'utf8')
  return rowsOf(text).flatMap((row) => {
    const statement = row.statement.slice(0, 50)
    const [code, tests, evidence] = [linked(row.code), linked(row.test), linked(row.evidence)]
    const wrong = []
    if (row.cells !== CELLS.length) wrong.push(`${row.cells} cells, not ${CELLS.length}`)
    const dead = [...code, ...tests, ...evidence].filter((path) => !existsSync(join(root, path.split('#')[0])))
    wrong.push(...dead.map((path) => `there is no ${path}`))
    wrong.push(...code.filter((path) => !CODE.test(path)).map((path) => `${path} is no code`))
    wrong.push(...tests.filter((path) => !TEST.test(path)).map((path) => `${path} is no test`))
    for (const path of evidence.filter((one) => one.includes('#') && !dead.includes(one))) {
      const [page, anchor] = path.split('#')
      if (!anchorsIn(read(page)).includes(anchor)) wrong.push(`there is no heading for ${path}`)
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
