import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bindings, signatures } from '../scripts/bindings.mjs'
import { named, type Calls, type Exports } from '../src/generated/bindings'
import { simdModule } from '../src/generated/simd'

// Kills: bindings older than assembly/ or than the module, a function that is exported and not bound, an argument too many or too
// few, two arguments passed in each other's place, a flag passed as something else than 0 or 1.

const folder = join(import.meta.dirname, '..')
const assembly = join(folder, 'assembly')

test('the bindings were written from assembly/ as it is', () => {
  expect(readFileSync(join(folder, 'src/generated/bindings.ts'), 'utf8')).toBe(bindings(assembly))
})

test('the module exports the functions of the bindings, each with as many arguments', () => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(simdModule, 'base64')), {
    env: { memory },
  })
  const arities = Object.entries(exports).flatMap(([name, of]) =>
    typeof of === 'function' ? [`${name} ${of.length}`] : [],
  )
  expect(arities.toSorted()).toEqual(
    signatures(assembly)
      .map((s) => `${s.name} ${s.parameters.length}`)
      .toSorted(),
  )
})

test.each(signatures(assembly))('$name passes every argument in the place that its signature gives it', (one) => {
  const values = one.parameters.map(({ type }, place) => (type === 'boolean' ? place % 2 === 0 : place + 2))
  const passed: unknown[] = []
  const exports = { [one.name]: (...all: number[]) => passed.push(...all) }
  const call = Reflect.get(named(exports as Partial<Exports> as Exports), one.name)
  call(Object.fromEntries(one.parameters.map(({ name }, place) => [name, values[place]])))
  expect(passed).toEqual(values.map(Number))
})

test('a type that JavaScript cannot pass as a number is refused', () => {
  const other = mkdtempSync(join(tmpdir(), 'bindings-'))
  writeFileSync(join(other, 'index.ts'), `export { f } from './f'`)
  writeFileSync(join(other, 'f.ts'), `/** Nothing. */\nexport function f(word: u64): void {}`)
  expect(() => bindings(other)).toThrow('f: word is u64, which JavaScript cannot pass')
})

/** For tsc, which fails where one of these is no error; nothing runs it. */
export function refused(wasm: Calls): void {
  wasm.packStrips({ rows: 8, inner: 4, fromRow: 32, from: 0, to: 512 }) // names make the order free
  // @ts-expect-error: numbers in order, where rows and inner could be swapped
  wasm.packStrips(512, 0, 32, 8, 4)
  // @ts-expect-error: an argument is missing
  wasm.packStrips({ to: 512, from: 0, fromRow: 32, inner: 4 })
  // @ts-expect-error: packStrips takes rows, packPanels takes columns
  wasm.packStrips({ to: 512, from: 0, fromRow: 32, inner: 4, cols: 8 })
  // @ts-expect-error: an argument that no kernel of this name has
  wasm.dot({ out: 0, a: 64, x: 128, inner: 4, cols: 8 })
  // @ts-expect-error: a number where a flag stands
  wasm.rowProduct({ a: 0, aStep: 4, b: 64, bStep: 4, inner: 1, cols: 1, c: 128, from: 0, add: 256, edge: 192 })
  // @ts-expect-error: a flag where a number stands
  wasm.rowProduct({ a: 0, aStep: 4, b: 64, bStep: 4, inner: 1, cols: 1, c: 128, from: false, add: true, edge: 192 })
}
