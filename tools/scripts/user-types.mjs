#!/usr/bin/env node
/**
 * Compiles the built types as users do: every public package under TypeScript 5.4, 6 and 7, strict, with `skipLibCheck: false`, in a project for
 * browsers (ES2022 and
 * DOM, no types of Node) and in one for Node; the latter under `exactOptionalPropertyTypes`, where it hands options through that it may not have. One
 * line a setting; exits 1 where one has an error. The packages must be built.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { manifestOf } from './manifests.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'node_modules/.user-types')
const names = readdirSync(join(root, 'packages')).filter((name) => !manifestOf(`packages/${name}`).private)
/** Packages whose own peers bring types that a page lacks. */
const NODE_ONLY = ['laws', 'onnx', 'cluster']

const common = {
  strict: true,
  noEmit: true,
  skipLibCheck: false,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  noUncheckedIndexedAccess: true,
  target: 'ES2022',
}
const projects = {
  browser: { lib: ['ES2022', 'DOM'], types: [], module: 'ESNext', moduleResolution: 'bundler' },
  node: {
    lib: ['ES2022', 'DOM'],
    types: ['node'],
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    exactOptionalPropertyTypes: true,
  },
}
/** Versions of TypeScript, and the projects that each compiles: the types of Node here are newer than 5.4. */
const compilers = {
  'tools/user-types/node_modules/typescript-5.4': ['browser'],
  'node_modules/typescript': ['browser', 'node'],
  'tools/user-types/node_modules/typescript-7': ['browser', 'node'],
}

/** A source that hands on options which may be missing. */
const passedThrough = (i) => `
export const through = ({ causal, seed, softcap }: { causal: boolean | undefined; seed: number | undefined; softcap: number | undefined }) => {
  const data = { rows: 1, cols: 1, data: new Float32Array(1) }
  p${i}.exactAttention({ queries: data, keys: data, values: data, scale: 1, causal, softcap })
  p${i}.autoStream({ d: 1, dv: 1, scale: 1, budgetBytes: 4096, tokens: 9, softcap })
  return p${i}.plan({ tokens: 9, d: 1, dv: 1, scale: 1, epsilon: 0.5, radius: 1, seed })
}
`

rmSync(folder, { recursive: true, force: true })
let failed = false
for (const [project, options] of Object.entries(projects)) {
  const here = join(folder, project)
  mkdirSync(here, { recursive: true })
  const taken = names.filter((name) => project === 'node' || !NODE_ONLY.includes(name))
  const lines = taken.map((name, i) => `import * as p${i} from '@sublinear/${name}'`)
  writeFileSync(
    join(here, 'all.ts'),
    `${lines.join('\n')}\nexport const all = [${taken.map((_, i) => `p${i}`).join(', ')}]\nusing stream = p${taken.indexOf('attention')}.exactStream({ d: 2, dv: 2, scale: 1 })\nexport const bytes: number = stream.bytes\n${project === 'node' ? passedThrough(taken.indexOf('attention')) : ''}`,
  )
  writeFileSync(join(here, 'package.json'), '{ "type": "module" }\n')
  const paths = Object.fromEntries(
    taken.map((name) => [`@sublinear/${name}`, [join(root, 'packages', name, 'dist/index.d.ts')]]),
  )
  writeFileSync(
    join(here, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...common, ...options, paths }, include: ['all.ts'] }),
  )
  for (const [compiler, compiled] of Object.entries(compilers)) {
    if (!compiled.includes(project)) continue
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, compiler, 'bin/tsc'), '-p', here, '--pretty', 'false'],
      { encoding: 'utf8', cwd: root },
    )
    const errors = stdout.split('\n').filter((line) => line.includes('error TS'))
    failed ||= status !== 0
    console.log(
      `${basename(compiler)}, ${project}: ${status === 0 ? 'clean' : `${errors.length} errors\n${errors.slice(0, 10).join('\n')}${stderr}`}`,
    )
  }
}
rmSync(folder, { recursive: true, force: true })
if (failed || !names.every((name) => existsSync(join(root, 'packages', name, 'dist/index.d.ts')))) process.exit(1)
