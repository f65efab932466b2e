#!/usr/bin/env node
/**
 * Finds the examples of the READMEs and of docs/*.md: every ```ts block that imports from '@sublinear/…', and the files examples/*.ts.
 * `node tools/scripts/examples.mjs` lists them; tools/scripts/test/readme-examples.test.ts runs them.
 * A comment behind console.log is the expected output of that line, exactly but for runs of white space:
 *
 *     console.log(answer.rows) // 4
 *
 * A line in a loop is expected to print all its outputs, one after another.
 *
 * It finds the `@example`s in docstrings of packages too, which have three lines at most: names that a package exports need no import, and a line
 * that ends in a comment
 * is an expression whose
 * value the comment says.
 */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
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

/** Entries of packages, in the order in which a name is looked for when the package of the example does not export it. */
const ENTRIES = [
  'core',
  'attention',
  'exact-attention',
  'poly-features',
  'streaming-attention',
  'ams-sketch',
  'balance-kv',
  'onnx/node',
]

/** Names that an entry exports. */
function exportsOf(root, entry) {
  const [name, file = 'index'] = entry.split('/')
  const path = join(root, 'packages', name, 'src', `${file}.ts`)
  if (!existsSync(path)) return []
  const text = readFileSync(path, 'utf8').replaceAll(/\/\/.*$/gm, '')
  const lists = Array.from(text.matchAll(/^export \{([^}]*)\}/gm), ([, list]) => list.split(','))
  const words = lists
    .flat()
    .map((word) => word.trim())
    .filter((word) => word && !word.startsWith('type '))
  const own = Array.from(text.matchAll(/^export (?:async )?(?:function\*?|const) (\w+)/gm), ([, word]) => word)
  const spaces = Array.from(text.matchAll(/^export \* as (\w+) from/gm), ([, word]) => word)
  return [...words, ...own, ...spaces]
}

/** The examples of docstrings, in the form of those of pages. */
export function docstringExamples(root) {
  const known = new Map()
  const exported = (entry) => known.get(entry) ?? known.set(entry, exportsOf(root, entry)).get(entry)
  return globSync('packages/*/src/**/*.ts', { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !/\/(node_modules|dist|generated|template)\//.test(path))
    .toSorted()
    .flatMap((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      const [, own] = path.split('/')
      return Array.from(text.matchAll(/\/\*\*[^]*?\*\//g)).flatMap((found) => {
        const at = found[0].indexOf('@example')
        if (at < 0) return []
        const first = text.slice(0, found.index + at).split('\n').length
        const said = found[0]
          .slice(at + '@example'.length, -2)
          .split(/\n\s*\* @/)[0]
          .split('\n')
        const lines = said.map((line) => line.replace(/^\s*\* ?/, '').trim())
        const code = lines.join('\n')
        const entries = [path.endsWith('/node.ts') ? `${own}/node` : own, ...ENTRIES]
        const imports = [...new Set(code.match(/(?<![\w.'])[a-zA-Z]\w+(?!['\w])/g) ?? [])].flatMap((word) => {
          const entry = new RegExp(`\\bconst ${word}\\b|\\[.*\\b${word}\\b.*\\] =|\\b${word}:`).test(code)
            ? undefined
            : entries.find((one) => exported(one).includes(word))
          return entry ? [`import { ${word} } from '@sublinear/${entry}'`] : []
        })
        const expected = lines.flatMap((line, index) => {
          const value = (print.exec(line) ?? VALUE.exec(line))?.[2]
          return value === undefined ? [] : [{ line: first + index, index, text: squeeze(value) }]
        })
        const run = lines.map((line, i) =>
          print.test(line)
            ? recorded(line, i)
            : line.replace(VALUE, (_, expression) => `globalThis.printed(${i}, ${expression})`),
        )
        return [
          {
            name: `${path}:${first}`,
            first,
            code: [...imports, ...run].join('\n'),
            expected,
            lines: lines.filter(Boolean).length,
          },
        ]
      })
    })
}

const VALUE = /^(\S.*?)\s\/\/\s(.+)$/

export const squeeze = (text) => text.replaceAll(/\s+/g, ' ').trim()

/** A line that says its place in its block to `globalThis.printed` before it prints. */
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

const typescriptBlocks = (page) =>
  fencedBlocks(page).filter(({ language }) => language === 'ts' || language === 'typescript')

/** The fenced blocks of a page: their language, their lines without the fence's indentation, and the page's line number of the first. */
export function fencedBlocks(page) {
  const blocks = []
  let open
  for (const [i, line] of page.split(/\r?\n/).entries()) {
    const fence = /^(\s*)(`{3,}|~{3,})\s*(\S*)/.exec(line)
    if (open === undefined) {
      if (fence) open = { indent: fence[1].length, mark: fence[2], language: fence[3], first: i + 2, lines: [] }
    } else if (fence && fence[3] === '' && fence[2].startsWith(open.mark)) {
      blocks.push(open)
      open = undefined
    } else {
      open.lines.push(line.slice(Math.min(open.indent, line.search(/\S|$/))))
    }
  }
  return blocks
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  for (const { name, first, expected } of [...examples(root), ...docstringExamples(root)])
    console.log(`${name} (line ${first}): ${expected.length} printed lines checked`)
}
