import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { violations } from '../dependencies.mjs'

// Truth from outside: each tree below is sound but for one edit, and the one edit is named in the test's title.
// Kills: a rule dropped from the table or from the walk, a type-only or dynamic import not seen, comments read as code.

const script = fileURLToPath(new URL('../dependencies.mjs', import.meta.url))
const trees: string[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true })
})

type Files = Record<string, string | undefined>

const manifest = (name: string, dependencies: string[] = [], more: object = {}) =>
  JSON.stringify({
    name: `@sublinear/${name}`,
    license: 'MIT',
    sideEffects: false,
    engines: { node: '>=20' },
    dependencies: Object.fromEntries(dependencies.map((name) => [name, 'workspace:^'])),
    ...more,
  })

/** A sound tree: every kind of allowed edge once. */
const sound: Files = {
  'packages/kernels/package.json': manifest('kernels'),
  'packages/kernels/src/index.ts': `export { product } from './product'`,
  'packages/kernels/src/product.ts': `// import { fromComment } from 'left-pad'\nexport const product = "import 'left-pad'"`,
  'packages/core/package.json': manifest('core', ['@sublinear/kernels']),
  'packages/core/src/index.ts': `import { product } from '@sublinear/kernels'\nexport const twice = product`,
  'packages/io/package.json': manifest('io', ['@sublinear/core']),
  'packages/io/src/index.ts': `export type { Matrix } from '@sublinear/core'`,
  'packages/io/src/node.ts': `export * from './open-rows'\nimport './npy'`,
  'packages/io/src/open-rows.ts': `import 'node:fs'`,
  'packages/io/src/npy.ts': 'export {}',
  'packages/laws/package.json': manifest('laws', ['@sublinear/core'], { peerDependencies: { 'fast-check': '>=4' } }),
  'packages/laws/src/index.ts': `import fc from 'fast-check'\nimport '@sublinear/core'\nexport default fc`,
  'packages/exact-attention/package.json': manifest('exact-attention', ['@sublinear/core']),
  'packages/exact-attention/src/index.ts': `export * from '@sublinear/core'`,
  'packages/attention/package.json': manifest('attention', ['@sublinear/exact-attention', '@sublinear/io']),
  'packages/attention/src/index.ts': `export * from '@sublinear/io'\nexport const late = () => import('@sublinear/exact-attention')`,
}

function made(edit: Files): string {
  const root = mkdtempSync(join(tmpdir(), 'dependencies-'))
  trees.push(root)
  for (const [path, text] of Object.entries({ ...sound, ...edit })) {
    if (text === undefined) continue
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

/** The check as a command. */
function check(edit: Files) {
  const { status, stderr } = spawnSync(process.execPath, [script, made(edit)], { encoding: 'utf8' })
  return { status, lines: stderr.trim().split('\n') }
}

const io = 'packages/io/src/index.ts'
const coreAgain = `import '@sublinear/core'\n`

describe('the dependency check', () => {
  test('accepts a sound tree', () => {
    expect(violations(made({}))).toEqual([])
  })

  test('is a command that prints a line a violation and fails', () => {
    expect(check({})).toEqual({ status: 0, lines: [''] })
    const edit = { [io]: `${coreAgain}import 'node:fs'`, 'packages/utils/package.json': manifest('utils') }
    expect(check(edit)).toEqual({
      status: 1,
      lines: [
        `${io}: imports node:fs, a Node module`,
        'packages/utils/package.json: is not in the table of tools/scripts/dependencies.mjs',
      ],
    })
  })

  test.each<[string, Files, ...string[]]>([
    [
      'an edge upwards',
      {
        'packages/kernels/src/index.ts': `import '@sublinear/core'`,
        'packages/kernels/package.json': manifest('kernels', ['@sublinear/core']),
      },
      'packages/kernels/package.json: the edge kernels → @sublinear/core is not allowed',
      'packages/kernels/src/index.ts: the edge kernels → @sublinear/core is not allowed',
    ],
    [
      'a type-only edge sideways, undeclared',
      { [io]: `${coreAgain}import type { P } from '@sublinear/exact-attention'\nexport type { P }` },
      `${io}: the edge io → @sublinear/exact-attention is not allowed`,
      `${io}: imports @sublinear/exact-attention, which package.json does not declare`,
    ],
    [
      'an allowed but undeclared dynamic import',
      { [io]: `${coreAgain}export const k = import('@sublinear/kernels')` },
      `${io}: imports @sublinear/kernels, which package.json does not declare`,
    ],
    [
      'attention reaching laws',
      {
        'packages/attention/package.json': manifest('attention', [
          '@sublinear/exact-attention',
          '@sublinear/io',
          '@sublinear/laws',
        ]),
        'packages/attention/src/more.ts': `import '@sublinear/laws'`,
      },
      'packages/attention/package.json: the edge attention → @sublinear/laws is not allowed',
      'packages/attention/src/more.ts: the edge attention → @sublinear/laws is not allowed',
    ],
    [
      'a declared but unused dependency',
      { [io]: 'export {}' },
      'packages/io/package.json: declares @sublinear/core, which nothing in src imports',
    ],
    [
      'a deep import',
      { [io]: `export * from '@sublinear/core/src/matrix'` },
      `${io}: @sublinear/core/src/matrix is a deep import`,
    ],
    [
      'the node entry reached from a package for every engine',
      { 'packages/attention/src/more.ts': `import '@sublinear/io/node'` },
      'packages/attention/src/more.ts: imports @sublinear/io/node, which needs Node',
    ],
    [
      'a relative import that leaves the package',
      { [io]: `${coreAgain}export * from '../../core/src/index'` },
      `${io}: ../../core/src/index leaves the package`,
    ],
    [
      'a Node module outside the node entry',
      { [io]: `${coreAgain}import 'node:fs'` },
      `${io}: imports node:fs, a Node module`,
    ],
    [
      'a Node module two files behind the main entry',
      { [io]: `${coreAgain}export * from './npy'`, 'packages/io/src/npy.ts': `export * from './open-rows.js'` },
      'packages/io/src/open-rows.ts: imports node:fs, a Node module',
    ],
    [
      'a Node module without its prefix',
      { [io]: `${coreAgain}export const fs = await import('fs')` },
      `${io}: imports fs, a Node module`,
    ],
    [
      'third-party code',
      {
        [io]: `${coreAgain}import { map } from 'lodash/map'\nexport { map }`,
        'packages/io/package.json': manifest('io', ['@sublinear/core', 'lodash']),
      },
      'packages/io/package.json: lodash is a third-party runtime dependency',
      `${io}: imports lodash, third-party code`,
    ],
    [
      'a peer taken as a dependency',
      { 'packages/laws/package.json': manifest('laws', ['@sublinear/core', 'fast-check']) },
      'packages/laws/package.json: fast-check is a third-party runtime dependency',
    ],
    [
      'an AssemblyScript import that leaves the package',
      { 'packages/kernels/assembly/index.ts': `import { a } from '../../core/assembly/a'` },
      'packages/kernels/assembly/index.ts: ../../core/assembly/a leaves the package',
    ],
    [
      'a package nobody planned',
      { 'packages/utils/package.json': manifest('utils') },
      'packages/utils/package.json: is not in the table of tools/scripts/dependencies.mjs',
    ],
    ['a folder without package.json', { 'packages/utils/src/index.ts': '' }, 'packages/utils/package.json: is missing'],
    [
      'bare package.json fields',
      { 'packages/kernels/package.json': JSON.stringify({ name: 'kernels' }) },
      'packages/kernels/package.json: name must be @sublinear/kernels, got kernels',
      'packages/kernels/package.json: lacks engines.node',
      'packages/kernels/package.json: lacks license',
      'packages/kernels/package.json: lacks sideEffects: false',
    ],
  ])('refuses %s', (_, edit, ...lines) => {
    expect(violations(made(edit))).toEqual(lines)
  })
})
