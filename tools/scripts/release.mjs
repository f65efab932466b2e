#!/usr/bin/env node
/**
 * `node tools/scripts/release.mjs [--dry-run] [folder …]`: packs every public package as pnpm does (internal dependencies become ranges), makes links in its README point to the
 * repository, since npm shows nothing else of it, and publishes the tarball, with provenance where the release workflow runs. With --dry-run npm
 * says what it would publish. One line a package; exits 1 where one lacks a README, a LICENSE, a CHANGELOG, or an entry that its manifest names, or npm refuses it.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publicFolders } from './manifests.mjs'
import { linkedFromNpm } from './npm-links.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const isDry = process.argv.includes('--dry-run')
const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'))
/** kB that a tarball may have; the rest carry no data. */
const LIMITS = { 'apps/cli': 6000, 'apps/models': 7500 } // rows of two models for demo; the models and their texts
const MOST = 1500

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
    console.log(`${folder}: ${manifest.name}@${manifest.version}, ${kB} kB${fault && `: ${fault}`}`)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}
if (failed) process.exit(1)

/** The tarball of a folder, and what it lacks. */
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

/** Files that `exports`, `main`, `bin` and the like name. */
function entriesOf({ main, module, types, bin, exports = {} }) {
  const files = (value) => (typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(files))
  return [...new Set([main, module, types, bin, exports].flatMap(files))]
}
