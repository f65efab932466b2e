// The generator of sketch packages, on a temporary root. Kills: a name or factory left from the template, a package that the dependency
// check refuses, a template that breaks a law or the house's own lint, laws that no columns can break, a package overwritten.
import { execFileSync } from 'node:child_process'
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
    expect([name, dependencies]).toEqual(['@sublinear/my-own-sketch', { '@sublinear/core': 'workspace:^' }])
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

  test('keeps its laws as it is laid out, and breaks them with other columns; lint and format find nothing', async () => {
    expect(await broken()).toEqual([])
    const files = [source, 'packages/my-own-sketch/test/laws.test.ts'].map((path) => join(root, path))
    for (const [tool, ...options] of [
      ['oxlint', '--deny-warnings', '-c', join(repository, '.oxlintrc.json')],
      ['oxfmt', '-c', join(repository, '.oxfmtrc.json'), '--check'],
    ] as const)
      execFileSync(join(repository, 'node_modules/.bin', tool), [...options, ...files], {
        cwd: repository,
        stdio: 'pipe',
      })
    writeFileSync(join(root, source), read(source).replace('words[0] & 1 ? size : -size', '0'))
    expect((await broken()).join('\n')).toMatch(/of the size 1\/√m/)
  })

  test('refuses names that are none, and packages that are there', () => {
    expect(() => newSketch('my-own-sketch', root)).toThrow('packages/my-own-sketch is there already')
    for (const name of ['', 'My', '../x', 'a_b', '-a', undefined as never])
      expect(() => newSketch(name, root)).toThrow(RangeError)
  })
})
