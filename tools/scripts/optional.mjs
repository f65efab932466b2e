#!/usr/bin/env node
/**
 * Checks a lint rule: an optional property of a published package takes `undefined` too, so that users under `exactOptionalPropertyTypes` can hand through an option
 * that they may not have. `node tools/scripts/optional.mjs`
 * Prints file, line and name of each `name?: T` in the sources of public packages whose T has no `undefined`, and exits 1.
 */
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { manifestOf } from './manifests.mjs'

/** Kinds of types that include undefined without naming it. */
const TAKES_ALL = new Set([ts.SyntaxKind.UnknownKeyword, ts.SyntaxKind.AnyKeyword, ts.SyntaxKind.UndefinedKeyword])

const takesUndefined = (type) => (ts.isUnionTypeNode(type) ? type.types.some(takesUndefined) : TAKES_ALL.has(type.kind))

/** Optional properties of a text whose type lacks undefined: line, name, and where the type begins and ends. */
export function refusing(text) {
  const source = ts.createSourceFile('text.ts', text, ts.ScriptTarget.Latest, true)
  const found = []
  const visit = (node) => {
    if (
      (ts.isPropertySignature(node) || ts.isPropertyDeclaration(node)) &&
      node.questionToken &&
      node.type &&
      !takesUndefined(node.type)
    )
      found.push({
        line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
        name: node.name.getText(),
        from: node.type.getStart(),
        to: node.type.end,
      })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(import.meta.dirname, '../..')
  const files = globSync('packages/*/src/**/*.ts', { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !manifestOf(path.split('/').slice(0, 2).join('/')).private)
    .toSorted()
  const faults = files.flatMap((file) =>
    refusing(readFileSync(`${root}/${file}`, 'utf8')).map(({ line, name }) => `${file}:${line} ${name}`),
  )
  for (const fault of faults) console.log(fault)
  if (faults.length > 0) {
    console.log(`${faults.length} optional properties do not take undefined: write ?: T | undefined`)
    process.exitCode = 1
  } else console.log(`optional properties of ${files.length} files take undefined`)
}
