// An esbuild plugin of the packages' build. `sideEffects: false` promises bundlers that a module may be left out; a built package is one module, so
// each constant that a call makes must be marked as free of side effects itself, or a page that imports one function of a package loads all of it.
import { readFileSync } from 'node:fs'
import ts from 'typescript'

export const pureModules = {
  name: 'pure-modules',
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
      contents: withPureConstants(readFileSync(path, 'utf8')),
      loader: 'ts',
    }))
  },
}

/** The text of a module in which every constant that a call makes at its top level is marked as made without side effects. */
export function withPureConstants(text) {
  const file = ts.createSourceFile('module.ts', text, ts.ScriptTarget.Latest, true)
  const made = file.statements
    .filter((statement) => ts.isVariableStatement(statement))
    .flatMap(({ declarationList }) => [...declarationList.declarations])
    .filter(({ name, initializer }) => ts.isIdentifier(name) && initializer && calls(initializer))
  return made.reduceRight((all, { initializer }) => {
    const [from, to] = [initializer.getStart(), initializer.getEnd()]
    return `${all.slice(0, from)}/* @__PURE__ */ (() => (${all.slice(from, to)}))()${all.slice(to)}`
  }, text)
}

function calls(node) {
  if (ts.isFunctionLike(node)) return false
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) return true
  return ts.forEachChild(node, calls) ?? false
}
