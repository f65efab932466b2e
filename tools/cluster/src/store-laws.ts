import { postgresStore, redisStore, s3Store } from '@sublinear/cluster'
import { storeLaws, type Law } from '@sublinear/cluster/faults'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server } from './servers.ts'

/** Laws of a store on a real server, and a function that closes the store's clients. */
interface Tried {
  readonly laws: readonly Law[]
  close(): Promise<void>
}

export function redisLaws({ url }: Server): Tried {
  const { Redis } = createRequire(import.meta.url)('ioredis') as {
    Redis: new (url: string) => Parameters<typeof redisStore>[0] & { disconnect(): void }
  }
  const redis = new Redis(url)
  let count = 0
  return {
    laws: storeLaws({ name: 'redisStore', make: () => redisStore(redis, { prefix: `law-${count++}:` }) }),
    async close() {
      redis.disconnect()
    },
  }
}

export function postgresLaws({ url }: Server): Tried {
  const { Pool } = createRequire(import.meta.url)('pg') as {
    Pool: new (options: object) => Parameters<typeof postgresStore>[0] & { end(): Promise<void> }
  }
  const pool = new Pool({ connectionString: url })
  let count = 0
  return {
    laws: storeLaws({ name: 'postgresStore', make: () => postgresStore(pool, { table: `law_${count++}` }) }),
    close: () => pool.end(),
  }
}

/** Laws of the S3 store on s3rver, which ignores `If-None-Match`. */
export async function s3Laws(): Promise<Tried> {
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
  const calls = client as unknown as Parameters<typeof s3Store>[0]['client']
  let count = 0
  return {
    laws: storeLaws({
      name: 's3Store',
      oneWins: false,
      make: () => s3Store({ client: calls, bucket: 'shards', prefix: `law-${count++}/` }),
    }),
    async close() {
      client.destroy()
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
