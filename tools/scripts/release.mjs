#!/usr/bin/env node
/**
 * Releases the packages: `node tools/scripts/release.mjs [--dry-run] [folder …]` packs every public package as pnpm does (internal dependencies
 * become ranges), makes links in its README point to the
 * repository, since npm shows nothing else of it, and publishes the tarball, with provenance where the release workflow runs. With --dry-run npm
 * says what it would publish. One line a package; exits 1 where one lacks a README, a LICENSE, a CHANGELOG, or an entry that its manifest names, or npm refuses it.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publicFolders } from './manifests.mjs'
import { linkedFromNpm } from './npm-links.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const isDry = process.argv.includes('--dry-run')
const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'))
/** Limits of tarballs in kB; a package without a limit of its own carries no data. */
const LIMITS = { 'apps/cli': 6000, 'apps/models': 7500 } // rows of two models for demo; the models and their texts
const MOST = 1500

/** Tarballs of a dry run of everything, by name: the command is tried from them alone. */
const kept = isDry && asked.length === 0 ? mkdtempSync(join(tmpdir(), 'release-all-')) : undefined
const tarballs = {}

let failed = false
for (const folder of asked.length > 0 ? asked : publicFolders()) {
  const temporary = mkdtempSync(join(tmpdir(), 'release-'))
  try {
    const { tarball, manifest, lacks } = packed(folder, temporary)
    const kB = Math.ceil(statSync(tarball).size / 1000)
    if (kB > (LIMITS[folder] ?? MOST)) lacks.push(`${kB - (LIMITS[folder] ?? MOST)} kB less`)
    const args = ['publish', tarball, '--access', 'public', ...(isDry ? ['--dry-run'] : ['--provenance'])]
    const { status, stderr } =
      lacks.length > 0 ? {} : spawnSync('npm', [...args, '--loglevel=error'], { cwd: temporary, encoding: 'utf8' })
    const fault = lacks.length > 0 ? `lacks ${lacks.join(', ')}` : status === 0 ? '' : stderr.trim()
    failed ||= fault !== ''
    if (kept) cpSync(tarball, (tarballs[manifest.name] = join(kept, basename(tarball))))
    console.log(`${folder}: ${manifest.name}@${manifest.version}, ${kB} kB${fault && `: ${fault}`}`)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}
if (kept) {
  const fault = demoFault(kept)
  rmSync(kept, { recursive: true, force: true })
  console.log(`sublinear demo from the tarballs alone: ${fault || 'runs'}`)
  failed ||= fault !== ''
}
if (failed) process.exit(1)

/** Installs the command from the tarballs, with third-party packages from npm, and runs its demo; returns what failed. */
function demoFault(folder) {
  const own = Object.fromEntries(Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]))
  const dependencies = { '@sublinear/cli': own['@sublinear/cli'] }
  delete own['@sublinear/cli']
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies, overrides: own }))
  const install = ['install', '--omit=peer', '--no-audit', '--no-fund', '--loglevel=error']
  for (const [program, args] of [
    ['npm', install],
    [join(folder, 'node_modules/.bin/sublinear'), ['demo', '--json']],
    [
      join(folder, 'node_modules/.bin/sublinear'),
      ['capture', '--model', 'sharp', '--tokens', '64', '--out', 'rows', '--quiet'],
    ],
  ]) {
    const { status, stderr, error } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) return `${basename(program)} ${args[0]}: ${error?.message ?? stderr.trim()}`
  }
  return ''
}

/** Packs a folder; returns the tarball, and what it lacks. */
function packed(folder, temporary) {
  execFileSync('pnpm', ['pack', '--pack-destination', temporary], { cwd: join(root, folder), stdio: 'pipe' })
  const first = join(
    temporary,
    readdirSync(temporary).find((name) => name.endsWith('.tgz')),
  )
  const inside = join(temporary, 'inside')
  mkdirSync(inside)
  execFileSync('tar', ['-xzf', first, '-C', inside])
  rmSync(first)
  const at = join(inside, 'package')
  const manifest = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'))
  const wanted = ['README.md', 'LICENSE', 'CHANGELOG.md', ...entriesOf(manifest)]
  const lacks = wanted.filter((file) => !existsSync(join(at, file)))
  const readme = join(at, 'README.md')
  if (existsSync(readme)) writeFileSync(readme, linkedFromNpm(readFileSync(readme, 'utf8'), folder))
  const own = Object.entries(manifest.dependencies ?? {}).filter(([name]) => name.startsWith('@sublinear/'))
  for (const [name, range] of own) if (!range.startsWith('^')) lacks.push(`a range of ${name}, got ${range}`)
  const [{ filename }] = Object.values(
    JSON.parse(
      execFileSync('npm', ['pack', at, '--json', '--ignore-scripts', '--pack-destination', temporary], {
        encoding: 'utf8',
        cwd: temporary,
      }),
    ),
  )
  return { tarball: join(temporary, filename.replace('@', '').replace('/', '-')), manifest, lacks }
}

/** Paths of the files that `exports`, `main`, `bin` and the other fields of entries name. */
function entriesOf({ main, module, types, bin, exports = {} }) {
  const files = (value) => (typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(files))
  return [...new Set([main, module, types, bin, exports].flatMap(files))]
}
