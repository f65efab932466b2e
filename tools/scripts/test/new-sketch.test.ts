// The generator of sketch packages, on a temporary root. Kills: a name or factory left from the template, a package that the dependency
// check refuses, a template whose laws pass before anything is written or cannot pass afterwards, a package overwritten.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Seed, SketchMatrix } from '@sublinear/core'
import { sketchMatrixLaws } from '@sublinear/laws'
import { newSketch } from '../new-sketch.mjs'

const repository = fileURLToPath(new URL('../../..', import.meta.url))
let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'new-sketch-'))
  mkdirSync(join(root, 'tools/scripts'), { recursive: true })
  for (const path of ['tools/scripts/dependencies.mjs', 'tsconfig.base.json']) {
    copyFileSync(join(repository, path), join(root, path))
  }
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

type Make = (shape: { m: number; seed: Seed }) => SketchMatrix
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const source = 'packages/my-own-sketch/src/my-own-sketch.ts'

/** The laws that the generated factory breaks. */
async function broken(): Promise<string[]> {
  const file = join(root, source)
  const made = (await import(/* @vite-ignore */ `${pathToFileURL(file).href}?${read(source).length}`)) as {
    myOwnSketch: Make
  }
  return sketchMatrixLaws({ name: 'x', make: made.myOwnSketch }).flatMap(({ name, run }) => {
    try {
      run()
    } catch {
      return [name]
    }
    return []
  })
}

describe('new-sketch', () => {
  test('lays out a package that the dependency check accepts', async () => {
    const written = newSketch('my-own-sketch', root)
    expect(written.map((path) => path.replaceAll('\\', '/'))).toEqual([
      'packages/my-own-sketch/package.json',
      'packages/my-own-sketch/tsconfig.json',
      'packages/my-own-sketch/src/index.ts',
      source,
      'packages/my-own-sketch/test/laws.test.ts',
      'packages/my-own-sketch/README.md',
      'tools/scripts/dependencies.mjs',
    ])
    expect(read('tools/scripts/dependencies.mjs')).toMatch(/'sparse-sketch': .*\n {2}'my-own-sketch': \[\],\n/)
    const table = read('tools/scripts/dependencies.mjs').split('\n')
    const before = readFileSync(join(repository, 'tools/scripts/dependencies.mjs'), 'utf8').split('\n')
    expect(table.filter((line) => !line.includes('my-own-sketch'))).toEqual(before)
    const { name, dependencies } = JSON.parse(read('packages/my-own-sketch/package.json'))
    expect([name, dependencies]).toEqual(['@sublinear/my-own-sketch', { '@sublinear/core': 'workspace:*' }])
    expect(read('packages/my-own-sketch/test/laws.test.ts')).toContain("import { myOwnSketch } from '../src'")
    expect(read('packages/my-own-sketch/README.md')).toContain("import { myOwnSketch } from '@sublinear/my-own-sketch'")
    const copy = join(repository, 'tools/scripts/test/.generated-table.mjs')
    copyFileSync(join(root, 'tools/scripts/dependencies.mjs'), copy) // beside node_modules, which it needs
    try {
      const check = (await import(/* @vite-ignore */ pathToFileURL(copy).href)) as {
        violations(root: string): string[]
      }
      expect(check.violations(root)).toEqual([])
    } finally {
      rmSync(copy)
    }
  })

  test('its laws fail before columns are written, and pass afterwards', async () => {
    const names = (await broken()).join('\n')
    expect(names).toMatch(/bit for bit/)
    expect(names).toMatch(/of the size 1\/√m/)
    const columns = `(first, count, out) => {
      for (let i = 0; i < m * count; i++) {
        philox(words, low, high, Math.floor(i / count), (first + (i % count)) % 2 ** 32, Math.floor((first + (i % count)) / 2 ** 32), 77)
        out[i] = ((words[0] & 1) * 2 - 1) / Math.sqrt(m)
      }
    }`
    const written = read(source)
      .replace('checkInteger, ', 'checkInteger, checkSeed, philox, seedWords, ')
      .replace(/\(_first.*count\)/, columns)
      .replace(
        '  return dense',
        "  const words = new Uint32Array(4)\n  const [low, high] = seedWords(checkSeed('x', seed))\n  return dense",
      )
    writeFileSync(join(root, source), written)
    expect(await broken()).toEqual([])
  })

  test('refuses names that are none, and packages that are there', () => {
    expect(() => newSketch('my-own-sketch', root)).toThrow('packages/my-own-sketch is there already')
    for (const name of ['', 'My', '../x', 'a_b', '-a', undefined as never])
      expect(() => newSketch(name, root)).toThrow(RangeError)
  })
})
