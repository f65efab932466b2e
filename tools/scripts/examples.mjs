#!/usr/bin/env node
/**
 * The examples of the READMEs and of docs/*.md, every ```ts block that imports from '@sublinear/…', and the files examples/*.ts.
 * `node tools/scripts/examples.mjs` lists them; tools/scripts/test/readme-examples.test.ts runs them.
 * A comment behind console.log is the expected output of that line, exactly but for runs of white space:
 *
 *     console.log(answer.rows) // 4
 *
 * A line in a loop is expected to print all its outputs, one after another.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const print = /\bconsole\.log\((.*)\)\s*;?\s*\}?\s*\/\/\s*(.+)$/

export function examples(root) {
  return [...readmes(root), ...files(root)].flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const blocks = path.endsWith('.ts') ? [{ first: 1, lines: text.split(/\r?\n/) }] : typescriptBlocks(text)
    return blocks
      .filter(({ lines }) => lines.some((line) => /\bfrom\s+['"]@sublinear\//.test(line)))
      .map(({ lines, first }, index) => ({
        name: `${path} #${index + 1}`,
        first,
        code: lines.map((line, i) => (print.test(line) ? recorded(line, i) : line)).join('\n'),
        expected: lines.flatMap((line, i) => {
          const text = print.exec(line)?.[2]
          return text === undefined ? [] : [{ line: first + i, index: i, text: squeeze(text) }]
        }),
      }))
  })
}

export const squeeze = (text) => text.replaceAll(/\s+/g, ' ').trim()

/** The same line, telling `globalThis.printed` where it stands in its block before it prints. */
const recorded = (line, i) => line.replace('console.log(', `globalThis.printed(${i}, `)

function readmes(root) {
  const nested = ['packages', 'apps', 'tools'].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder))
          .toSorted()
          .map((name) => `${folder}/${name}/README.md`)
      : [],
  )
  const docs = ['docs', 'docs/methods'].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder))
          .filter((name) => name.endsWith('.md'))
          .toSorted()
          .map((name) => `${folder}/${name}`)
      : [],
  )
  return ['README.md', ...nested, ...docs].filter((path) => existsSync(join(root, path)))
}

function files(root) {
  const folder = join(root, 'examples')
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  return names.toSorted().map((name) => `examples/${name}`)
}

/** The fenced ts blocks of a page: their lines, without the fence's indentation, and the page's line number of the first. */
function typescriptBlocks(page) {
  const blocks = []
  let open
  for (const [i, line] of page.split(/\r?\n/).entries()) {
    const fence = /^(\s*)(`{3,}|~{3,})\s*(\S*)/.exec(line)
    if (open === undefined) {
      if (fence) open = { indent: fence[1].length, mark: fence[2], language: fence[3], first: i + 2, lines: [] }
    } else if (fence && fence[3] === '' && fence[2].startsWith(open.mark)) {
      if (open.language === 'ts' || open.language === 'typescript') blocks.push(open)
      open = undefined
    } else {
      open.lines.push(line.slice(Math.min(open.indent, line.search(/\S|$/))))
    }
  }
  return blocks
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  for (const { name, first, expected } of examples(root))
    console.log(`${name} (line ${first}): ${expected.length} printed lines checked`)
}
