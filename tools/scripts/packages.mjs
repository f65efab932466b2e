#!/usr/bin/env node
/**
 * Tries what a user would install: packs every public package of packages/ and apps/ and tries the tarball with publint and, for
 * resolvers that know `exports`, are-the-types-wrong, both offline; also checks that no package lacks a file that each must have.
 * One line a package; exits 1 on any failure. The packages must be built.
 * `node tools/scripts/packages.mjs [name …]` tries only the named ones.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const attw = join(
  dirname(createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json')),
  'dist/index.js',
)

/** Files that a package must have and lacks; packages of packages/ must have sources and tests, too. */
function missingRooms(folder) {
  const rooms = ['README.md', 'src/index.ts'].filter((room) => !existsSync(join(folder, room)))
  const tests = existsSync(join(folder, 'test')) ? readdirSync(join(folder, 'test'), { recursive: true }) : []
  if (!tests.some((file) => file.endsWith('.test.ts'))) rooms.push('test/*.test.ts')
  return rooms.map((room) => `lacks ${room}`)
}

/** Faults of the packed package, as text. */
async function faultsOfTarball(folder, manifest, temporary) {
  const entry = manifest.main ?? Object.values(manifest.bin ?? {})[0]
  if (entry && !existsSync(join(folder, entry))) return [`${entry} is not built`]
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', temporary], {
    cwd: folder,
    shell: process.platform === 'win32',
  })
  const packed = Object.values(JSON.parse(stdout))[0]
  const tarball = join(temporary, packed.filename.replace('@', '').replace('/', '-'))

  const { buffer, byteOffset, byteLength } = readFileSync(tarball)
  const pack = { tarball: buffer.slice(byteOffset, byteOffset + byteLength) }
  const { messages, pkg } = await publint({ strict: true, pack })
  const faults = messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`)

  if (manifest.exports) {
    const plain = Object.keys(manifest.exports).filter((path) => path.endsWith('.wasm')) // no module that has types
    const excluded = plain.length > 0 ? ['--exclude-entrypoints', ...plain] : []
    const types = await run(process.execPath, [
      attw,
      tarball,
      '--profile',
      'node16',
      '--format',
      'json',
      ...excluded,
    ]).catch((error) => error)
    const { analysis, problems } = JSON.parse(types.stdout)
    if (!analysis.types) faults.push('attw: no types')
    for (const [kind, found] of Object.entries(problems ?? {})) {
      if (found.some(({ resolutionKind }) => resolutionKind !== 'node10')) faults.push(`attw: ${kind}`)
    }
    if (types.code !== undefined && faults.length === 0) faults.push(`attw: exit ${types.code}`)
  }
  return faults
}

async function tryPackage(path) {
  const folder = join(root, path)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const faults = path.startsWith('packages/') ? missingRooms(folder) : []
  if (manifest.private) return { path, faults, note: 'private' }
  const temporary = mkdtempSync(join(tmpdir(), 'packages-'))
  try {
    faults.push(...(await faultsOfTarball(folder, manifest, temporary)))
  } catch (error) {
    faults.push(String(error.stderr || error.message).trim())
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return { path, faults, note: 'publint and attw clean' }
}

const wanted = process.argv.slice(2)
const paths = ['packages', 'apps']
  .flatMap((room) => readdirSync(join(root, room)).map((name) => ({ name, path: `${room}/${name}` })))
  .filter(({ name, path }) => existsSync(join(root, path, 'package.json')) && (!wanted.length || wanted.includes(name)))
  .map(({ path }) => path)
  .toSorted()

let failed = false
for (const path of paths) {
  const { faults, note } = await tryPackage(path)
  failed ||= faults.length > 0
  console.log(faults.length > 0 ? `${path}: ${faults.join('; ')}` : `${path}: ${note}`)
}
if (failed) process.exit(1)
