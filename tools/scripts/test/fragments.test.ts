// No snippet of a page is left out. Each ts block runs (readme-examples.test.ts); a js block is a fragment, which needs a model, a page or a broker of the reader's: it must parse, and what it
// imports from us must be there. Kills: a ts block on a page that no list has and a fragment with a name that was renamed (both tried), one that does not parse, a page with a new fragment.
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { examples, fencedBlocks } from '../examples.mjs'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', '{packages,apps,tools,evidence}/**/*.md'], {
  cwd: root,
})
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => !/(^|\/)(node_modules|dist|template|cache)\/|CHANGELOG\.md$|^apps\/docs\/api\//.test(path))
  .toSorted()

/** Blocks of code of all pages in one of these languages. */
const blocksIn = (...languages: readonly string[]) =>
  pages.flatMap((page) =>
    fencedBlocks(readFileSync(`${root}${page}`, 'utf8'))
      .filter(({ language }) => languages.includes(language))
      .map(({ first, lines }) => ({ page, first, code: lines.join('\n') })),
  )

test('every ts block of every page is an example that runs', () => {
  const run = new Set(examples(root).map(({ name, first }) => `${name.split(' #')[0]}:${first}`))
  const all = blocksIn('ts', 'typescript', 'tsx').map(({ page, first }) => `${page}:${first}`)
  expect(all.length).toBeGreaterThan(60)
  expect(all.filter((one) => !run.has(one))).toEqual([])
})

const fragments = blocksIn('js', 'javascript', 'mjs', 'html')

test('fragments are where a reader must bring something', () => {
  expect([...new Set(fragments.map(({ page }) => page))]).toEqual([
    'apps/cli/README.md', // a module for the command line
    'docs/your-model.md', // a model, and its tokenizer
    'packages/cluster/README.md', // a broker
    'packages/laws/README.md', // the reader's own methods
    'packages/threads/README.md', // modules for threads
  ])
})

test.each(fragments.map(({ page, first, code }) => [`${page}:${first}`, code] as const))(
  '%s parses, and its imports from us are there',
  async (_, code) => {
    const file = ts.createSourceFile('fragment.mjs', code, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS)
    const { diagnostics } = ts.transpileModule(code, {
      reportDiagnostics: true,
      fileName: 'fragment.mjs',
      compilerOptions: { allowJs: true, module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext },
    })
    expect(diagnostics?.map(({ messageText }) => messageText)).toEqual([])
    for (const statement of file.statements) {
      if (!ts.isImportDeclaration(statement)) continue
      const from = (statement.moduleSpecifier as ts.StringLiteral).text
      const names = statement.importClause?.namedBindings
      if (!from.startsWith('@sublinear/') || !names || !ts.isNamedImports(names)) continue
      const found: object = await import(/* @vite-ignore */ from)
      for (const { name, propertyName } of names.elements)
        expect(Object.keys(found), from).toContain((propertyName ?? name).text)
    }
  },
)
