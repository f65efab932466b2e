// Whatever a package gives out that implements a contract is tried by the laws of that contract. Kills: a new sketch, map, hash, halving, decoder, stream or method without its line
// in a law test, a law test that names another, a pattern that matches nothing.
import { catalogue } from '@sublinear/attention'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const find = (pattern: string) => globSync(pattern, { cwd: root }).map((path) => path.replaceAll('\\', '/'))
const read = (path: string) => readFileSync(root + path, 'utf8')

/** Law suite of what a function returns, by the name of its type. */
const CONTRACTS: readonly (readonly [returned: RegExp, laws: string])[] = [
  [/^SketchMatrix$/, 'sketchMatrixLaws'],
  [/^FeatureMap$/, 'featureMapLaws'],
  [/^Halving$/, 'halvingLaws'],
  [/^(?:Polynomial|Bucket|Tabulation)Hash\b/, 'hashLaws'], // independence of a SipHash cannot be counted: key-hash.test.ts has its vectors
  [/^(?:EnergyTree|Sparse)Recovery$/, 'sparseRecoveryLaws'],
  [/^\w*Stream(?: & Disposable)?$/, 'attentionStreamLaws'],
]
/** Functions that restore, open or build what others make: law tests try those. */
const REOPENS = /^(?:restore|open|create)[A-Z]|^(?:psi|phi)Of$/
/** Packages that hold the contracts and the laws themselves. */
const ABOVE = /^packages\/(?:core|laws)\//

/** Names that a package gives out. */
const given = (path: string) => {
  const index = path.replace(/^(packages\/[^/]+\/src)\/.*$/, '$1/index.ts')
  return new Set(read(index).match(/\w+/g))
}

/** Exported functions of a file, with the types that they return. */
function functionsOf(path: string): { readonly name: string; readonly returned: string }[] {
  const file = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest)
  return file.statements.flatMap((one) =>
    ts.isFunctionDeclaration(one) && one.name && one.type && one.modifiers?.[0]?.kind === ts.SyntaxKind.ExportKeyword
      ? [{ name: one.name.text, returned: one.type.getText(file) }]
      : [],
  )
}

/** Tests without imports, comments and titles, which name what nothing may try. */
const tests = find('packages/*/test/**/*.test.ts').map((path) =>
  read(path).replaceAll(/^import [^]*? from '[^']+'$|\/\/.*$|(?<!named\()'[^'\n]*'/gm, ''),
)
/** Whether a test calls a law suite and names what it tries. */
const names = (laws: string, words: string) =>
  tests.some((text) => text.includes(`${laws}(`) && new RegExp(`\\b(?:${words})`).test(text))
/** A method is named by its record, or by its name in the catalogue. */
const hasMethodLaws = (name: string) => names('methodLaws', `${name}Method\\b|named\\('${name}'`)
/** The laws of methods run those of streams on the stream of a method. */
const tried = (name: string, laws: string) =>
  names(laws, `${name}\\b`) || (laws === 'attentionStreamLaws' && hasMethodLaws(name.replace(/Stream$/, '')))

const sources = find('packages/*/src/**/*.ts').filter((path) => !ABOVE.test(path))
const implementations = sources.flatMap((path) =>
  functionsOf(path).flatMap(({ name, returned }) => {
    const laws = CONTRACTS.find(([type]) => type.test(returned))?.[1]
    return laws && !REOPENS.test(name) && given(path).has(name) ? [[name, laws] as const] : []
  }),
)

describe('an implementation has the laws of its contract', () => {
  test('every contract has some', () => {
    expect(new Set(implementations.map(([, laws]) => laws))).toEqual(new Set(CONTRACTS.map(([, laws]) => laws)))
    expect(implementations.length).toBeGreaterThan(20)
  })

  test.each(implementations)('%s: %s', (name, laws) => {
    expect(tried(name, laws)).toBe(true)
  })
})

describe('a method of the catalogue has the laws of methods', () => {
  test.each(catalogue.map(({ name }) => name))('%s', (name) => {
    expect(hasMethodLaws(name)).toBe(true)
  })
})
