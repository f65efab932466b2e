import { checkKey, requireIdentical, type Store } from './store'

/** The calls of an ioredis client (or of one that has them) that the store makes. */
export interface RedisCalls {
  set(key: string, value: Buffer, condition: 'NX'): Promise<unknown>
  getBuffer(key: string): Promise<Uint8Array | null>
  exists(key: string): Promise<number>
}

/**
 * Makes a store in Redis or Valkey, through a client of ioredis: `redisStore(new Redis(…), { prefix })`. Keys are set where they are absent, in one step.
 * Artifacts are in the server's memory, and survive it only if it writes them to disk (`appendonly yes`).
 *
 * @param prefix  text before every key; default sublinear:
 */
export function redisStore(
  client: RedisCalls,
  { prefix = 'sublinear:' }: { readonly prefix?: string | undefined } = {},
): Store {
  const who = 'redisStore'
  const named = (key: string) => {
    checkKey(who, key)
    return `${prefix}${key}`
  }
  return {
    async put(key, bytes) {
      const set = await client.set(named(key), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 'NX')
      if (set === 'OK') return 'new'
      const there = await client.getBuffer(named(key))
      if (!there) throw new Error(`${who}: ${key} vanished while it was written`)
      return requireIdentical(who, key, there, bytes)
    },
    get: async (key) => (await client.getBuffer(named(key))) ?? undefined,
    has: async (key) => (await client.exists(named(key))) === 1,
  }
}
