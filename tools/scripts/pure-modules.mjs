// An esbuild plugin of the packages' build. `sideEffects: false` promises bundlers that a module may be left out; a built package is one module, so
// each constant that may have effects when it is made (by a call, a spread, a member that could be a getter, a list taken apart) must be written so that it has none, or a page that
// imports one function of a package loads all of it.
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

/**
 * The text of a module in which every constant at its top level that may have effects is marked as made without side effects, and in which lists
 * of constants are constants one by one.
 */
export function withPureConstants(text) {
  const file = ts.createSourceFile('module.ts', text, ts.ScriptTarget.Latest, true)
  const changes = file.statements
    .filter((statement) => ts.isVariableStatement(statement))
    .flatMap(({ declarationList }) => [...declarationList.declarations])
    .flatMap((declaration) => [changeOf(declaration)].filter(Boolean))
  return changes.reduceRight((all, { node, by }) => all.slice(0, node.getStart()) + by + all.slice(node.getEnd()), text)
}

/** Finds what is to be written in place of a node of a declaration; undefined where nothing is. */
function changeOf(declaration) {
  const { name, initializer } = declaration
  if (!initializer) return undefined
  if (ts.isIdentifier(name))
    return mayHaveEffects(initializer) ? { node: initializer, by: pure(initializer) } : undefined
  const values = ts.isAsExpression(initializer) ? initializer.expression : initializer
  if (!ts.isArrayBindingPattern(name)) return undefined
  if (!isListOfConstants(name, values))
    throw new Error(`constants at the top level are written one by one: ${declaration.getText()}`)
  const one = (element, i) => {
    const value = values.elements[i]
    return `${element.name.getText()} = ${mayHaveEffects(value) ? pure(value) : value.getText()}`
  }
  return { node: declaration, by: name.elements.map(one).join(', ') }
}

function isListOfConstants({ elements }, values) {
  if (!ts.isArrayLiteralExpression(values) || values.elements.length !== elements.length) return false
  return elements.every(isPlainName) && !values.elements.some(ts.isSpreadElement)
}

function isPlainName(element) {
  return (
    ts.isBindingElement(element) && !element.dotDotDotToken && !element.initializer && ts.isIdentifier(element.name)
  )
}

/** Objects whose members bundlers know to be plain constants. */
const BUILT_IN = new Set(['Math', 'Number'])

const pure = (node) => `/* @__PURE__ */ (() => (${node.getText()}))()`

function mayHaveEffects(node) {
  if (ts.isFunctionLike(node)) return false
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) return true
  if (ts.isSpreadElement(node) || ts.isSpreadAssignment(node)) return true
  if (ts.isPropertyAccessExpression(node) && !BUILT_IN.has(node.expression.getText())) return true
  return ts.forEachChild(node, mayHaveEffects) ?? false
}
