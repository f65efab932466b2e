// Typed calls of the compiled module, from the signatures in assembly/. Arguments go by name, so that a swapped one is a type error.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** JavaScript type for each type that may cross the border; 64-bit integers and vectors may not. */
const given = { usize: 'number', i32: 'number', u32: 'number', f32: 'number', f64: 'number', bool: 'boolean' }

/** The calls of a part, as src/generated/<part>.ts has them. */
export function bindings(folder, part) {
  const all = signatures(folder, part)
  return `// Written by scripts/bindings.mjs from the signatures in assembly/.

/** Exports of the module: numbers in the order of each signature. */
export type Exports = {
${all.map(inOrder).join('\n')}
}

/** The same functions with their arguments by name. Pointers and lengths of rows are in bytes, counts in entries. */
export interface Calls {
${all.map(byName).join('\n')}
}

export function named(exports: Exports): Calls {
  const { ${all.map(({ name }) => name).join(', ')} } = exports
  return {
${all.map(call).join('\n')}
  }
}
`
}

function inOrder({ name, parameters, result }) {
  return `  ${name}(${parameters.map((p) => `${p.name}: number`).join(', ')}): ${result}`
}

function byName({ name, doc, parameters, result }) {
  return `  ${doc}\n  ${name}(of: { ${parameters.map((p) => `${p.name}: ${p.type}`).join('; ')} }): ${result}`
}

function call({ name, parameters }) {
  const numbers = parameters.map((p) => (p.type === 'boolean' ? `of.${p.name} ? 1 : 0` : `of.${p.name}`))
  return `    ${name}: (of) => ${name}(${numbers.join(', ')}),`
}

/** The functions that assembly/<part>.ts exports, in its order. */
export function signatures(folder, part) {
  return parse(folder, `./${part}`).statements.flatMap((line) => {
    const file = parse(folder, line.moduleSpecifier.text)
    return line.exportClause.elements.map(({ name }) => signature(file, name.text))
  })
}

function parse(folder, specifier) {
  const path = join(folder, `${specifier}.ts`)
  return ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
}

function signature(file, name) {
  const node = file.statements.find((one) => ts.isFunctionDeclaration(one) && one.name.text === name)
  if (!node?.jsDoc) throw new Error(`${file.fileName}: no function ${name} with a comment`)
  const typeOf = (what, type) => {
    if (!given[type]) throw new Error(`${file.fileName}: ${name}: ${what} is ${type}, which JavaScript cannot pass`)
    return given[type]
  }
  const parameters = node.parameters.map((p) => ({ name: p.name.text, type: typeOf(p.name.text, p.type.getText()) }))
  const result = node.type.getText()
  return {
    name,
    doc: node.jsDoc.at(-1).getText().replaceAll('\n', '\n  '),
    parameters,
    result: result === 'void' ? result : typeOf('the result', result),
  }
}
