import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bindings, signatures } from '../scripts/bindings.mjs'
import * as codes from '../src/generated/codes'
import * as features from '../src/generated/features'
import * as floats from '../src/generated/floats'
import * as probe from '../src/generated/probe'
import * as sketches from '../src/generated/sketches'

// Kills: bindings older than assembly/ or than the module, a function that is exported and not bound, an argument too many or too
// few, two arguments passed in each other's place, a flag passed as something else than 0 or 1.

const folder = join(import.meta.dirname, '..')
const assembly = join(folder, 'assembly')

const parts = { floats, features, codes, sketches, probe }
const whole = readFileSync(join(folder, 'src/generated/simd.wasm'))

/** Functions of a module, each with the number of its arguments. */
function aritiesOf(module: BufferSource): string[] {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } })
  return Object.entries(exports)
    .flatMap(([name, of]) => (typeof of === 'function' ? [`${name} ${of.length}`] : []))
    .toSorted()
}

const written = (part: string) =>
  signatures(assembly, part)
    .map((s) => `${s.name} ${s.parameters.length}`)
    .toSorted()

describe.each(Object.entries(parts))('the part %s', (part, { hex, named }) => {
  test('was written from assembly/ as it is', () => {
    const file = readFileSync(join(folder, `src/generated/${part}.ts`), 'utf8')
    expect(file.startsWith(bindings(assembly, part))).toBe(true)
  })

  test('exports the functions of the bindings, each with as many arguments', () => {
    expect(aritiesOf(Buffer.from(hex, 'hex'))).toEqual(written(part))
  })

  test.each(signatures(assembly, part))(
    '$name passes every argument in the place that its signature gives it',
    (one) => {
      const values = one.parameters.map(({ type }, place) => (type === 'boolean' ? place % 2 === 0 : place + 2))
      const passed: unknown[] = []
      const exports = { [one.name]: (...all: number[]) => passed.push(...all) }
      const call = Reflect.get((named as (exports: object) => object)(exports), one.name)
      call(Object.fromEntries(one.parameters.map(({ name }, place) => [name, values[place]])))
      expect(passed).toEqual(values.map(Number))
    },
  )
})

test('the whole module has all of them', () => {
  expect(aritiesOf(whole)).toEqual(Object.keys(parts).flatMap(written).toSorted())
})

test('the constants of a part do not lie on those of another', async () => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const page = new Uint8Array(memory.buffer)
  const used = Object.values(parts).flatMap(({ hex }) => {
    page.fill(0)
    const one = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(hex, 'hex')), { env: { memory } })
    expect(one).toBeDefined()
    const at = [...page.keys()].filter((i) => page[i] !== 0)
    return at.length > 0 ? [[at[0], at.at(-1)!]] : [] // a part need not have any
  })
  expect(used.length).toBeGreaterThan(2)
  for (const [i, [from]] of used.entries()) expect(from).toBeGreaterThan(i === 0 ? 0 : used[i - 1][1])
})

test('a type that JavaScript cannot pass as a number is refused', () => {
  const other = mkdtempSync(join(tmpdir(), 'bindings-'))
  writeFileSync(join(other, 'part.ts'), `export { f } from './f'`)
  writeFileSync(join(other, 'f.ts'), `/** Nothing. */\nexport function f(word: u64): void {}`)
  expect(() => bindings(other, 'part')).toThrow('f: word is u64, which JavaScript cannot pass')
})

/** For tsc, which fails where one of these is no error; nothing runs it. */
export function refused(wasm: floats.Calls): void {
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
