#!/usr/bin/env node
/**
 * Checks a lint rule: `x!` stands only where x may be null or undefined. `node tools/scripts/non-null.mjs [--fix]`
 * Prints one line for each `!` that means nothing and exits 1; with --fix it removes them instead. Types are those of tsconfig.json, in which an
 * index is taken to exist (`noUncheckedIndexedAccess` is off), so that what is left of `!` is worth reading.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const NOTHING = ts.TypeFlags.Null | ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Any | ts.TypeFlags.Unknown

/** Where a `!` means nothing: file, line, and the place of the mark in the text. */
export function meaningless(root) {
  const config = join(root, 'tsconfig.json')
  const { options, fileNames } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, ts.sys.readFile).config,
    ts.sys,
    root,
  )
  const program = ts.createProgram(fileNames, options)
  const checker = program.getTypeChecker()
  const mayBeNothing = (type) =>
    type.isUnion()
      ? type.types.some(mayBeNothing)
      : (type.flags & NOTHING) !== 0 ||
        ((type.flags & ts.TypeFlags.Instantiable) !== 0 &&
          mayBeNothing(checker.getBaseConstraintOfType(type) ?? checker.getAnyType()))
  const found = []
  for (const source of program.getSourceFiles()) {
    if (source.isDeclarationFile || source.fileName.includes('node_modules')) continue
    const visit = (node) => {
      if (ts.isNonNullExpression(node) && !mayBeNothing(checker.getTypeAtLocation(node.expression)))
        found.push({ source, at: node.end - 1 })
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
}

/** Removes the marks, beginning with the last of a file. */
function fix(found) {
  for (const file of new Set(found.map(({ source }) => source.fileName))) {
    const marks = found.filter(({ source }) => source.fileName === file).map(({ at }) => at)
    let text = readFileSync(file, 'utf8')
    for (const at of marks.toSorted((a, b) => b - a)) text = text.slice(0, at) + text.slice(at + 1)
    writeFileSync(file, text)
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
  const found = meaningless(root)
  if (process.argv.includes('--fix')) fix(found)
  else {
    for (const { source, at } of found) {
      const { line, character } = source.getLineAndCharacterOfPosition(at)
      console.error(`${relative(root, source.fileName)}:${line + 1}:${character + 1}: ! where nothing can be missing`)
    }
    if (found.length > 0) process.exit(1)
  }
}
