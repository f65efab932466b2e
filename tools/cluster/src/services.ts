import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresAdapter, redisAdapter } from './adapter.ts'
import { brokerLaws } from './laws.ts'
import { postgresPrograms } from './servers.ts'
import { postgresStoreLaw, redisStoreLaw, s3StoreLaw } from './store-laws.ts'

const hasRedis = () => spawnSync('redis-server', ['--version']).status === 0

/**
 * The laws on both brokers and on real stores: `npm run services`. Servers are started on private ports in a temporary folder and stopped after; redis-server and postgresql are
 * installed from Debian where they are missing and it may.
 */
function ensureInstalled(): void {
  const missing = [...(hasRedis() ? [] : ['redis-server']), ...(postgresPrograms() ? [] : ['postgresql'])]
  if (missing.length > 0 && process.getuid?.() === 0) {
    console.log(`installing ${missing.join(' ')}`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['update', '-q'], { stdio: 'ignore', env })
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { stdio: 'inherit', env })
  }
  if (hasRedis() && postgresPrograms()) return
  console.error(
    'NOT TRIED services: needs redis-server and postgresql (Debian: apt-get install redis-server postgresql)',
  )
  process.exit(0)
}

let failed = 0
async function tried(name: string, what: () => Promise<unknown>): Promise<void> {
  const began = performance.now()
  const time = () => `${((performance.now() - began) / 1000).toFixed(1)} s`
  try {
    const found = await what()
    const landed = Array.isArray(found) ? `, ${found.length} faults landed` : ''
    console.log(typeof found === 'string' ? `NOT TRIED ${name}: ${found}` : `ok ${name} (${time()}${landed})`)
  } catch (error) {
    failed++
    console.log(`FAILED ${name} (${time()}): ${error instanceof Error ? error.stack : String(error)}`)
  }
}

ensureInstalled()
const folder = mkdtempSync(join(tmpdir(), 'services-'))
const servers = []
try {
  for (const adapter of [redisAdapter, postgresAdapter]) {
    const server = await adapter.start(folder)
    servers.push(server)
    await tried(`${adapter.name}Store holds what it is given, once`, () =>
      adapter.name === 'redis' ? redisStoreLaw(server) : postgresStoreLaw(server),
    )
    for (const law of brokerLaws) await tried(`${adapter.name}: ${law.name}`, () => law.run(adapter, server))
  }
  await tried('s3Store holds what it is given, once', s3StoreLaw)
} finally {
  for (const server of servers) await server.kill()
  rmSync(folder, { recursive: true, force: true })
}
process.exit(failed > 0 ? 1 : 0)
