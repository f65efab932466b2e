/**
 * Answers that stand in other pages, made from the committed results between `<!-- answer:<question> [table] -->` and `<!-- /answer -->`.
 * `node evidence/kit/draw-all.ts` brings all of them up to date.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { questions } from './all-questions.ts'
import { resultOf } from './experiment.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Paths of the files that may hold tables. */
export function readmes(): string[] {
  return globSync(['*.md', 'docs/**/*.md', '{packages,apps,tools,evidence}/*/README.md'], { cwd: root }).map((path) =>
    join(root, path),
  )
}

/** The text with every table replaced by what the results say. @throws RangeError where it asks for one that there is not */
export function withTables(text: string): string {
  return text.replace(
    /(<!-- answer:([a-z0-9-]+)(?: ([a-z0-9-]+))? -->\n).*?(<!-- \/answer -->)/gs,
    (_, open: string, name: string, table: string | undefined, close: string) => {
      const asked = questions.find((one) => one.name === name)
      const make = table === undefined ? asked?.answer : asked?.tables?.[table]
      if (!asked || !make) throw new RangeError(`evidence: there is no table ${table ?? ''} of ${name}`)
      return `${open}\n${make(resultOf(asked))}\n\n${close}`
    },
  )
}

export function updateTables(): void {
  for (const path of readmes()) {
    const text = readFileSync(path, 'utf8')
    const updated = withTables(text)
    if (updated !== text) writeFileSync(path, updated)
  }
}
