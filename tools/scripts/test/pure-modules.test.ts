// The build's promise to bundlers, and that it is kept: what is not imported is not shipped. Kills: constants left unmarked, spreads and members left unmarked, lists left whole, lists taken apart at the wrong place, constants within functions marked,
// initialisers cut at the wrong place.
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import { withPureConstants } from '../pure-modules.mjs'

it('marks constants that a call makes, and nothing else', () => {
  expect(
    withPureConstants('const a = f(1) as X, b = 2\nexport const c = [new D()]\nfunction g() { const h = f() }'),
  ).toBe(
    'const a = /* @__PURE__ */ (() => (f(1) as X))(), b = 2\nexport const c = /* @__PURE__ */ (() => ([new D()]))()\nfunction g() { const h = f() }',
  )
  expect(withPureConstants('const f = () => g()\nconst { x } = h()\nrun()')).toBe(
    'const f = () => g()\nconst { x } = h()\nrun()',
  )
})

it('marks constants that a spread or a member makes, and writes lists of constants one by one', () => {
  expect(withPureConstants('const a = { ...b, c: 1 }')).toBe('const a = /* @__PURE__ */ (() => ({ ...b, c: 1 }))()')
  expect(withPureConstants('const a = { b: c.d }, e = Math.E')).toBe(
    'const a = /* @__PURE__ */ (() => ({ b: c.d }))(), e = Math.E',
  )
  expect(withPureConstants("const [A, B] = ['a', f()] as const, c = 1")).toBe(
    "const A = 'a', B = /* @__PURE__ */ (() => (f()))(), c = 1",
  )
})

it('a bundle holds what it uses', async () => {
  const source = 'const made = (x) => x.length\nexport const used = made("used")\nexport const unused = made("unused")'
  expect(await bundled(source)).toContain('"unused"')
  const marked = await bundled(withPureConstants(source))
  expect(marked).toContain('"used"')
  expect(marked).not.toContain('"unused"')
})

it.each([
  'const [, ...rest] = unused',
  'const [a] = [...unused]',
  'const [a, b] = [unused]',
  'const [a = 1] = [unused]',
])('refuses `%s`, which it cannot take apart', (source) => {
  expect(() => withPureConstants(source)).toThrow(/one by one/)
})

/** The bundle of what takes one constant of a module that promises nothing of itself. */
async function bundled(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: "import { used } from 'all'; console.log(used)" },
    bundle: true,
    write: false,
    format: 'esm',
    plugins: [
      {
        name: 'one-module',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^all$/ }, () => ({ path: 'all', namespace: 'one', sideEffects: true }))
          onLoad({ filter: /./, namespace: 'one' }, () => ({ contents: source, loader: 'ts' }))
        },
      },
    ],
  })
  return outputFiles[0].text
}
