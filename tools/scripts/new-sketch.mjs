#!/usr/bin/env node
/**
 * Lays out the package of a new sketch: `node tools/scripts/new-sketch.mjs my-sketch [root]`.
 * The package works and keeps its laws from the start: its columns are independent signs, which yours replace. CONTRIBUTING.md has the six steps.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Writes packages/<name> and its line in the dependency table; returns the paths written, from the root. */
export function newSketch(name, root) {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name ?? '')) {
    throw new RangeError(`new-sketch: the name must be in lower case with hyphens, like my-sketch, got ${String(name)}`)
  }
  const folder = join('packages', name)
  if (existsSync(join(root, folder))) throw new RangeError(`new-sketch: ${folder} is there already`)
  const factory = name.replaceAll(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase())
  const files = layout(name, factory)
  for (const [path, text] of Object.entries(files)) {
    const to = join(root, folder, path)
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, text)
  }
  const written = Object.keys(files).map((path) => join(folder, path))
  return [...written, ...(enterTable(name, root) ? [TABLE] : [])]
}

const TABLE = 'tools/scripts/dependencies.mjs'

/** Adds a package's line to the dependency table, without which it is refused; it may import core and kernels, as every package may. */
function enterTable(name, root) {
  const path = join(root, TABLE)
  if (!existsSync(path)) return false
  const text = readFileSync(path, 'utf8')
  const after = /^ {2}'sparse-sketch': .*\n/m.exec(text)
  if (!after) throw new Error(`new-sketch: ${TABLE} has no line of sparse-sketch to stand behind`)
  const at = after.index + after[0].length
  const key = name.includes('-') ? `'${name}'` : name
  writeFileSync(path, `${text.slice(0, at)}  ${key}: [],\n${text.slice(at)}`)
  return true
}

function layout(name, factory) {
  return {
    'package.json': `${JSON.stringify(manifest(name), null, 2)}\n`,
    'tsconfig.json': '{ "extends": "../../tsconfig.base.json", "include": ["src"] }\n',
    'src/index.ts': `export { ${factory} } from './${name}'\n`,
    [`src/${name}.ts`]: source(name, factory),
    'test/laws.test.ts': laws(name, factory),
    'README.md': readme(name, factory),
  }
}

function manifest(name) {
  return {
    name: `@sublinear/${name}`,
    version: '0.0.0',
    description: 'A sketch matrix: say in a line what is random about it',
    license: 'MIT',
    type: 'module',
    sideEffects: false,
    engines: { node: '>=20' },
    files: ['dist'],
    exports: {
      '.': {
        import: { types: './dist/index.d.ts', default: './dist/index.js' },
        require: { types: './dist/index.d.cts', default: './dist/index.cjs' },
      },
      './package.json': './package.json',
    },
    main: './dist/index.cjs',
    module: './dist/index.js',
    types: './dist/index.d.ts',
    scripts: { build: 'tsup --config ../../tsup.config.ts' },
    dependencies: { '@sublinear/core': 'workspace:^' },
  }
}

function source(name, factory) {
  const letters = name.replaceAll('-', '').padEnd(4, '_').slice(0, 4)
  const stream = [...letters].reduce((word, letter) => word * 256 + letter.charCodeAt(0), 0)
  return `import {
  checkInteger,
  checkSeed,
  denseSketchMatrix,
  philox,
  seedWords,
  type Seed,
  type SketchMatrix,
} from '@sublinear/core'

/** The last word of the counter: '${letters}' in ASCII, so that no other sketch reads the same random bits. */
const STREAM = 0x${stream.toString(16)}

/**
 * One sentence: what the columns are. As laid out, independent signs of the size 1/√m: write your own in their place.
 * Source: not from the papers. Deviation: none.
 *
 * Guarantee: over the seed, E⟨Ψu, Ψv⟩ = ⟨u, v⟩, and which variance.
 * Cost: 2·m·w operations a row of width w; bytes held.
 *
 * @param m  rows
 * @throws TypeError, RangeError when m is no integer ≥ 1 or seed no 64-bit integer
 */
export function ${factory}({ m, seed }: { m: number; seed: Seed }): SketchMatrix {
  checkInteger('${factory}', 'm', m, 1)
  const [low, high] = seedWords(checkSeed('${factory}', seed))
  const words = new Uint32Array(4)
  const size = 1 / Math.sqrt(m)
  return denseSketchMatrix({
    kind: '${name}',
    m,
    seed,
    // Columns first … first + count − 1 of Ψ into out (m × count, row-major): a function of (seed, row, index) alone.
    columns(first, count, out) {
      for (let r = 0; r < m; r++) {
        for (let c = 0; c < count; c++) {
          const index = first + c
          philox(words, low, high, index % 2 ** 32, Math.floor(index / 2 ** 32), r, STREAM)
          out[r * count + c] = words[0] & 1 ? size : -size
        }
      }
    },
  })
}
`
}

function laws(name, factory) {
  return `// The sketch laws (see @sublinear/laws), and the variance of ⟨Ψu, Ψv⟩ against its closed form. Kills: what each law lists.
import { innerProductLaw, sketchMatrixLaws } from '@sublinear/laws'
import { test } from 'vitest'
import { ${factory} } from '../src'

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)
const squares = (a: Float64Array) => a.map((x) => x * x)

/** Var⟨Ψu, Ψv⟩ in closed form: here that of independent signs; write that of your columns. */
const variance = ({ u, v, m }: { u: Float64Array; v: Float64Array; m: number }) =>
  (dot(u, u) * dot(v, v) + dot(u, v) ** 2 - 2 * dot(squares(u), squares(v))) / m

for (const law of [
  ...sketchMatrixLaws({ name: '${name}', make: ${factory} }), // then add \`golden\`
  ...innerProductLaw({ name: '${name}', make: ${factory} }, variance),
]) {
  test(law.name, law.run)
}
`
}

function readme(name, factory) {
  return `# @sublinear/${name}

What it is, in two sentences. The statement it implements, or "not from the papers".

\`\`\`ts
import { matrix, sketch } from '@sublinear/core'
import { ${factory} } from '@sublinear/${name}'

const summary = sketch(${factory}({ m: 64, seed: 7 }), 2)
summary.push(matrix(100, 2))
console.log(summary.state.rows, summary.rows) // 64 100
\`\`\`

| option | |
| --- | --- |
| \`m\` | rows |
| \`seed\` | 64 bits |

**Guarantee.** An inequality, with its probability over the seed. **Cost.** Time a row, bytes held.

**Limits, and what it refuses.** What it does not do.

**Measured** by a script that is named here.

**See also** its neighbours.
`
}

if (process.argv[1]?.endsWith('new-sketch.mjs') && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = resolve(process.argv[3] ?? join(dirname(fileURLToPath(import.meta.url)), '../..'))
  try {
    for (const path of newSketch(process.argv[2], root)) console.log(path)
    console.log(
      `\nNext: pnpm install, then npx vitest run packages/${process.argv[2]}: then write your columns into src.`,
    )
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
