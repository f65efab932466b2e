import { postgresStore, redisStore, s3Store, type Store } from '@sublinear/cluster'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server } from './servers.ts'

const bytes = (...list: number[]) => Uint8Array.from(list)

/** A store writes once or the same, tells others, and holds what many put at once. */
async function hold(store: Store): Promise<void> {
  assert.equal(await store.get('k/0.1'), undefined)
  assert.equal(await store.has('k/0.1'), false)
  assert.equal(await store.put('k/0.1', bytes(1, 0, 255)), 'new')
  assert.equal(await store.put('k/0.1', bytes(1, 0, 255)), 'same')
  await assert.rejects(store.put('k/0.1', bytes(1, 0, 254)), RangeError)
  assert.deepEqual([...(await store.get('k/0.1'))!], [1, 0, 255])
  assert.equal(await store.has('k/0.1'), true)
  const large = new Uint8Array(3_000_000).map((_, i) => (i * 7919) % 251)
  assert.equal(await store.put('large', large), 'new')
  assert.ok(Buffer.compare((await store.get('large'))!, large) === 0)
  const put = await Promise.all(Array.from({ length: 6 }, () => store.put('race', bytes(7))))
  assert.ok(put.includes('new'))
}

export async function redisStoreLaw(server: Server): Promise<void> {
  const { Redis } = await import('ioredis')
  const redis = new Redis(server.url)
  await hold(redisStore(redis as unknown as Parameters<typeof redisStore>[0]))
  redis.disconnect()
}

export async function postgresStoreLaw(server: Server): Promise<void> {
  const { Pool } = createRequire(import.meta.url)('pg') as {
    Pool: new (options: object) => Parameters<typeof postgresStore>[0] & { end(): Promise<void> }
  }
  const pool = new Pool({ connectionString: server.url })
  await hold(postgresStore(pool))
  await pool.end()
}

/** Against s3rver, which does not heed `If-None-Match`. */
export async function s3StoreLaw(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 's3-'))
  const S3rver = createRequire(import.meta.url)('s3rver') as new (options: object) => {
    run(): Promise<{ port: number }>
    close(): Promise<void>
  }
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: 'shards' }],
  })
  const { port } = await server.run()
  const { S3 } = await import('@aws-sdk/client-s3')
  const client = new S3({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'local',
    forcePathStyle: true,
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  try {
    await hold(
      s3Store({ client: client as unknown as Parameters<typeof s3Store>[0]['client'], bucket: 'shards', prefix: 'p/' }),
    )
  } finally {
    client.destroy()
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
