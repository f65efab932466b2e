#!/usr/bin/env node
/**
 * Prints the coverage of the tests, one row for each package: `npm run coverage`, or of some packages by their own tests alone: `npm run coverage --
 * kv-cache core`. It fails at no number: coverage says what no test ran, and nothing about what a test would find (tools/mutants tries that). Kernels
 * count in their scalar form: the WASM module is no JavaScript.
 * Files and lines stand in coverage/index.html.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const names = process.argv.slice(2)
const folders = names.map((name) => {
  const found = ['packages', 'apps'].map((place) => `${place}/${name}`).find((path) => existsSync(join(root, path)))
  if (found) return found
  console.error(`coverage: there is no package called ${name}`)
  return process.exit(1)
})

const summary = join(root, 'coverage/coverage-summary.json')
rmSync(summary, { force: true }) // else one of an earlier run would be shown
const sources = folders.length > 0 ? folders : ['packages/*', 'apps/*']
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=dot',
    '--coverage.enabled',
    '--coverage.provider=v8',
    '--coverage.reportOnFailure',
    ...['json-summary', 'html'].map((reporter) => `--coverage.reporter=${reporter}`),
    ...sources.map((path) => `--coverage.include=${path}/src/**/*.{ts,tsx,mjs}`),
    '--coverage.exclude=**/generated/**',
    ...folders.map((path) => `${path}/`),
  ],
  { cwd: root, stdio: 'inherit' },
)
if (!existsSync(summary)) process.exit(status || 1)

const KINDS = ['lines', 'branches', 'functions']
const totals = new Map()
for (const [path, counts] of Object.entries(JSON.parse(readFileSync(summary, 'utf8')))) {
  const name = path === 'total' ? 'all' : relative(root, path).replaceAll('\\', '/').split('/').slice(0, 2).join('/')
  const total = totals.get(name) ?? Object.fromEntries(KINDS.map((kind) => [kind, { covered: 0, total: 0 }]))
  totals.set(name, total)
  for (const kind of KINDS) {
    total[kind].covered += counts[kind].covered
    total[kind].total += counts[kind].total
  }
}
const share = ({ covered, total }) => `${total === 0 ? '–' : ((100 * covered) / total).toFixed(1)} %`.padStart(10)
const rows = [...totals].toSorted(([a], [b]) => (a === 'all' ? 1 : b === 'all' ? -1 : a < b ? -1 : 1))
const width = Math.max(...rows.map(([name]) => name.length))
console.log(`\n${''.padEnd(width)}${KINDS.map((kind) => kind.padStart(10)).join('')}`)
for (const [name, total] of rows)
  console.log(`${name.padEnd(width)}${KINDS.map((kind) => share(total[kind])).join('')}`)
process.exit(status ?? 1)
