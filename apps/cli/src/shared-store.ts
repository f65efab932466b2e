import {
  folderStore,
  postgresStore,
  redisStore,
  type PostgresCalls,
  type RedisCalls,
  type Store,
} from '@sublinear/cluster'

export interface OpenStore {
  readonly store: Store
  close(): Promise<void>
}

/** Opens the store of an address: `redis://…`, `postgres://…`, else a folder. @throws Error without the client that it needs */
export async function sharedStore(address: string): Promise<OpenStore> {
  if (/^(rediss?|valkey):/.test(address)) {
    const { Redis } = await client<typeof import('ioredis')>('ioredis', () => import('ioredis'))
    const redis = new Redis(address.replace(/^valkey:/, 'redis:'))
    return { store: redisStore(redis as unknown as RedisCalls), close: async () => redis.disconnect() }
  }
  if (/^postgres(ql)?:/.test(address)) {
    const name = 'pg' // pg has no types of its own
    type Pools = { Pool: new (options: object) => PostgresCalls & { end(): Promise<void> } }
    const pg = await client<Pools & { default?: Pools }>(name, () => import(name) as Promise<Pools>)
    const pool = new (pg.default ?? pg).Pool({ connectionString: address })
    return { store: postgresStore(pool), close: () => pool.end() }
  }
  return { store: folderStore(address), close: async () => {} }
}

/** Loads an optional package; where it is missing, the error says how to install it. */
export async function client<T>(name: string, load: () => Promise<T>): Promise<T> {
  return load().catch((cause: unknown) => {
    throw new Error(`needs ${name} beside this command: npm install ${name}`, { cause })
  })
}
