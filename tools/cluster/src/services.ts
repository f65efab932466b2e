import { brokerLaws, type Law } from '@sublinear/cluster/faults'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { postgresAdapter, redisAdapter } from './adapter.ts'
import { postgresPrograms } from './servers.ts'
import { postgresLaws, redisLaws, s3Laws } from './store-laws.ts'

const hasRedis = () => spawnSync('redis-server', ['--version']).status === 0

/**
 * Runs the laws on both brokers and on real stores: `npm run services`. Servers are started on private ports in a temporary folder and stopped
 * afterwards; redis-server and postgresql are
 * installed from Debian where they are missing and this process may install them. `--only text` takes the laws whose name contains the text.
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
async function tried({ name, run }: Law): Promise<void> {
  if (!name.includes(values.only)) return
  const began = performance.now()
  const time = () => `${((performance.now() - began) / 1000).toFixed(1)} s`
  try {
    const found = await run()
    if ('notTried' in found) return console.log(`NOT TRIED ${name}: ${found.notTried}`)
    const { landed } = found
    const how = landed.length > 0 ? `, ${landed.length} faults landed, as ${landed[0].detail}` : ''
    console.log(`ok ${name} (${time()}${how})`)
  } catch (error) {
    failed++
    console.log(`FAILED ${name} (${time()}): ${error instanceof Error ? error.stack : String(error)}`)
  }
}

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } })
ensureInstalled()
const folder = mkdtempSync(join(tmpdir(), 'services-'))
const servers = []
try {
  for (const adapter of [redisAdapter, postgresAdapter]) {
    const server = await adapter.start(folder)
    servers.push(server)
    const storeLaws = adapter === redisAdapter ? redisLaws(server) : postgresLaws(server)
    for (const law of [...storeLaws.laws, ...brokerLaws(adapter, server)]) await tried(law)
    await storeLaws.close()
  }
  const s3 = await s3Laws()
  for (const law of s3.laws) await tried(law)
  await s3.close()
} finally {
  for (const server of servers) await server.kill()
  rmSync(folder, { recursive: true, force: true })
}
process.exit(failed > 0 ? 1 : 0)
