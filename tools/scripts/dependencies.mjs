#!/usr/bin/env node
/**
 * Checks the direction of dependencies: `node tools/scripts/dependencies.mjs [root]` reads every packages/<name>/package.json and every import in
 * src/ and assembly/; prints one line a violation and exits 1.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Packages that each package may import besides core and kernels. A package that is missing here is refused. */
const mayImport = {
  kernels: [],
  core: [],
  'hash-families': [],
  'ams-sketch': ['hash-families'],
  'gaussian-sketch': [],
  'sparse-sketch': ['hash-families'],
  'poly-features': ['hash-families', 'gaussian-sketch'],
  'sparse-recovery': ['hash-families'],
  'exact-attention': [],
  'token-store': ['exact-attention'],
  'streaming-attention': ['token-store', 'exact-attention', 'poly-features'],
  'cross-attention': ['streaming-attention'],
  'balance-kv': ['token-store', 'exact-attention', 'poly-features'],
  'kv-cache': ['token-store', 'exact-attention', 'poly-features'],
  adviser: ['exact-attention', 'poly-features', 'gaussian-sketch', 'sparse-sketch', 'sparse-recovery'],
  io: [],
  board: ['exact-attention'],
  laws: [],
  'small-lm': ['io', 'exact-attention'],
  onnx: ['exact-attention'],
  threads: ['attention'],
  cluster: ['attention', 'io', 'exact-attention', 'ams-sketch', 'gaussian-sketch', 'sparse-sketch', 'sparse-recovery'],
}
/** Packages beside @sublinear/attention, which it does not import. */
const besides = ['laws', 'small-lm', 'onnx', 'threads', 'cluster']
mayImport.attention = Object.keys(mayImport).filter((name) => !besides.includes(name))
/** Packages that every package may import: kernels imports none, core imports kernels alone. */
const ground = (name) => (name === 'kernels' ? [] : name === 'core' ? ['kernels'] : ['core', 'kernels'])
/** Third-party code that a package may ask its user to install. */
const peers = { laws: ['fast-check'], onnx: ['onnxruntime-common'], cluster: ['bullmq', 'hyparquet'] }
const scope = '@sublinear/'
/** The only entries beside the main ones. */
const entries = [
  '@sublinear/io/node',
  '@sublinear/onnx/node',
  '@sublinear/threads/node',
  '@sublinear/cluster/bullmq',
  '@sublinear/cluster/faults',
]
/**
 * Whether a file may import Node's own modules: files of the private language model, of what runs on many machines, and, in packages with an entry
 * for Node, files to which src/index.ts does not lead.
 */
const mayUseNode = (name, reachedFromIndex) =>
  ['small-lm', 'cluster'].includes(name) || (entries.includes(`${scope}${name}/node`) && !reachedFromIndex)

const packageOf = (specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

export function violations(root) {
  const found = []
  for (const name of readdirSync(join(root, 'packages')).toSorted()) {
    const folder = join(root, 'packages', name)
    if (!statSync(folder).isDirectory()) continue
    const say = (where, what) => found.push(`packages/${name}/${where}: ${what}`)
    if (!existsSync(join(folder, 'package.json'))) say('package.json', 'is missing')
    else checkPackage(folder, name, say)
  }
  return found
}

function checkPackage(folder, name, say) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (!Object.hasOwn(mayImport, name))
    return say('package.json', 'is not in the table of tools/scripts/dependencies.mjs')
  if (manifest.name !== scope + name) say('package.json', `name must be ${scope}${name}, got ${manifest.name}`)
  if (!manifest.engines?.node) say('package.json', 'lacks engines.node')
  if (!manifest.license) say('package.json', 'lacks license')
  if (manifest.sideEffects !== false) say('package.json', 'lacks sideEffects: false')

  const allowed = [...ground(name), ...mayImport[name]]
  const declared = checkDeclared(manifest, name, allowed, say)
  const used = new Set()
  const reached = closure(join(folder, 'src/index.ts'))
  for (const file of [...sources(join(folder, 'src')), ...sources(join(folder, 'assembly'))]) {
    const where = relative(folder, file).replaceAll(sep, '/')
    for (const specifier of imports(file)) {
      const node = mayUseNode(name, reached.has(file))
      const dependency = checkImport({ folder, file, where, specifier, node, allowed, name }, say)
      if (dependency === undefined) continue
      used.add(dependency)
      if (!declared.has(dependency)) say(where, `imports ${dependency}, which package.json does not declare`)
    }
  }
  for (const dependency of declared) {
    if (!used.has(dependency)) say('package.json', `declares ${dependency}, which nothing in src imports`)
  }
}

/** The runtime dependencies that package.json names, each tried against the table. */
function checkDeclared(manifest, name, allowed, say) {
  const declared = new Set()
  for (const field of ['dependencies', 'optionalDependencies', 'peerDependencies']) {
    for (const dependency of Object.keys(manifest[field] ?? {})) {
      declared.add(dependency)
      if (dependency.startsWith(scope)) {
        if (!allowed.includes(dependency.slice(scope.length)))
          say('package.json', `the edge ${name} → ${dependency} is not allowed`)
      } else if (field !== 'peerDependencies' || !peers[name]?.includes(dependency)) {
        say('package.json', `${dependency} is a third-party runtime dependency`)
      }
    }
  }
  return declared
}

/** Tries one import; returns the package it needs declared, or undefined where there is none. */
function checkImport({ folder, file, where, specifier, node, allowed, name }, say) {
  if (specifier.startsWith('.') || specifier.startsWith('/')) {
    const inside = relative(folder, resolve(dirname(file), specifier))
    if (inside.split(sep)[0] === '..') say(where, `${specifier} leaves the package`)
    return undefined
  }
  if (isBuiltin(specifier)) {
    if (!node) say(where, `imports ${specifier}, a Node module`)
    return undefined
  }
  const dependency = packageOf(specifier)
  if (!dependency.startsWith(scope)) {
    if (!peers[name]?.includes(dependency)) say(where, `imports ${dependency}, third-party code`)
    return dependency
  }
  if (specifier !== dependency && !entries.includes(specifier)) say(where, `${specifier} is a deep import`)
  if (entries.includes(specifier) && !node) say(where, `imports ${specifier}, which needs Node`)
  if (!allowed.includes(dependency.slice(scope.length))) say(where, `the edge ${name} → ${dependency} is not allowed`)
  return dependency
}

function sources(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}

/** The files of a package that an entry leads to by relative imports, itself included. */
function closure(entry, seen = new Set()) {
  if (seen.has(entry) || !existsSync(entry)) return seen
  seen.add(entry)
  for (const specifier of imports(entry).filter((specifier) => specifier.startsWith('.'))) {
    const path = resolve(dirname(entry), specifier)
    for (const file of [path, `${path}.ts`, join(path, 'index.ts'), path.replace(/\.js$/, '.ts')]) {
      if (existsSync(file) && statSync(file).isFile()) closure(file, seen)
    }
  }
  return seen
}

/** Static, type-only, re-exporting and dynamic imports, and require, found by TypeScript's own scanner. */
function imports(file) {
  return ts.preProcessFile(readFileSync(file, 'utf8'), true, true).importedFiles.map(({ fileName }) => fileName)
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '../..'))
  const found = violations(root)
  for (const line of found) console.error(line)
  if (found.length > 0) process.exit(1)
  console.log(`dependencies: ${readdirSync(join(root, 'packages')).length} packages, every edge allowed`)
}
