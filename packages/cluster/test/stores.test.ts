// Kills: a second content taken under a key, the same content refused, half a file seen under a key, a draft left where writing failed, a key that leaves the folder,
// two writers of which one loses its bytes, a store that confuses an empty artifact with none, a table or prefix that is not heeded.
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folderStore, memoryStore, postgresStore, redisStore, s3Store, type Store } from '../src'
import { scratchFolder } from '../../io/test/scratch-folder'

const folder = scratchFolder()
const bytes = (...list: number[]) => Uint8Array.from(list)

/** Redis as the store sees it. */
function fakeRedis() {
  const held = new Map<string, Buffer>()
  return {
    held,
    async set(key: string, value: Buffer, condition: 'NX') {
      if (condition === 'NX' && held.has(key)) return null
      held.set(key, Buffer.from(value))
      return 'OK'
    },
    getBuffer: async (key: string) => held.get(key) ?? null,
    exists: async (key: string) => Number(held.has(key)),
  }
}

/** PostgreSQL as the store sees it: one table. */
function fakePostgres() {
  const held = new Map<string, Buffer>()
  const asked: string[] = []
  return {
    asked,
    async query(text: string, values: unknown[] = []) {
      asked.push(text)
      const [key, value] = values as [string, Buffer]
      if (text.startsWith('create')) return { rows: [] }
      if (text.startsWith('insert')) {
        if (held.has(key)) return { rows: [] }
        held.set(key, Buffer.from(value))
        return { rows: [{ key }] }
      }
      const found = held.get(key)
      return { rows: found ? [{ bytes: found }] : [] }
    },
  }
}

const missing = () => Object.assign(new Error('missing'), { $metadata: { httpStatusCode: 404 } })

/** S3 as the store sees it; `heeds` the condition, or overwrites as older servers do. */
function fakeS3(heeds: boolean) {
  const held = new Map<string, Uint8Array>()
  return {
    held,
    async putObject({ Key, Body, IfNoneMatch }: { Key: string; Body: Uint8Array; IfNoneMatch?: string | undefined }) {
      if (heeds && IfNoneMatch === '*' && held.has(Key))
        throw Object.assign(new Error('exists'), { $metadata: { httpStatusCode: 412 } })
      held.set(Key, Body.slice())
    },
    async getObject({ Key }: { Key: string }) {
      const found = held.get(Key)
      if (!found) throw missing()
      return { Body: { transformToByteArray: async () => found.slice() } }
    },
    async headObject({ Key }: { Key: string }) {
      if (!held.has(Key)) throw missing()
      return {}
    },
  }
}

const stores: Record<string, () => Store> = {
  memoryStore: () => memoryStore(),
  folderStore: () => folderStore(join(folder(), 'law')),
  redisStore: () => redisStore(fakeRedis()),
  postgresStore: () => postgresStore(fakePostgres()),
  's3Store with the condition': () => s3Store({ client: fakeS3(true), bucket: 'b' }),
  's3Store without it': () => s3Store({ client: fakeS3(false), bucket: 'b' }),
}

describe.each(Object.entries(stores))('%s', (_, made) => {
  it('holds what was put, once', async () => {
    const store = made()
    expect([await store.has('k/0.1'), await store.get('k/0.1')]).toEqual([false, undefined])
    const given = bytes(1, 2, 3)
    expect(await store.put('k/0.1', given)).toBe('new')
    given[0] = 9
    expect(await store.has('k/0.1')).toBe(true)
    expect([...(await store.get('k/0.1'))!]).toEqual([1, 2, 3])
    expect(await store.put('k/0.1', bytes(1, 2, 3))).toBe('same')
    for (const other of [bytes(1, 2, 4), bytes(1, 2), bytes(), bytes(1, 2, 3, 4)])
      await expect(store.put('k/0.1', other)).rejects.toThrow(RangeError)
    expect([...(await store.get('k/0.1'))!]).toEqual([1, 2, 3])
    expect([await store.has('k/0.2'), await store.has('k')]).toEqual([false, expect.any(Boolean)])
  })

  it('holds nothing at all as well as something', async () => {
    const store = made()
    expect(await store.put('empty', bytes())).toBe('new')
    expect(await store.has('empty')).toBe(true)
    expect(await store.get('empty')).toHaveLength(0)
    expect(await store.put('empty', bytes())).toBe('same')
  })

  it('tells one of many at once that it is new, and keeps its bytes', async () => {
    const store = made()
    const put = await Promise.all(Array.from({ length: 8 }, () => store.put('race', bytes(5, 6))))
    expect([...(await store.get('race'))!]).toEqual([5, 6])
    expect(put.filter((state) => state === 'new').length).toBeGreaterThanOrEqual(1)
  })

  it.each(['', '..', '../up', 'a/../b', '/root', 'a//b', 'a b', 'ä', 'a/b/c/d/e'])(
    'refuses the key %j',
    async (key) => {
      const store = made()
      await expect((async () => store.put(key, bytes(1)))()).rejects.toThrow(RangeError)
      await expect((async () => store.get(key))()).rejects.toThrow(RangeError)
    },
  )
})

describe('folderStore', () => {
  it('writes once among processes at once', async () => {
    const store = () => folderStore(join(folder(), 'many'))
    const puts = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => store().put('k/0.0', bytes(i % 2))))
    const there = await store().get('k/0.0')
    for (const [i, put] of puts.entries()) {
      if (there![0] === i % 2) expect(put.status).toBe('fulfilled')
      else expect(put.status === 'rejected' && String(put.reason)).toMatch(/holds other content/)
    }
    expect(puts.filter((put) => put.status === 'fulfilled' && put.value === 'new')).toHaveLength(1)
    expect(await readdir(join(folder(), 'many/k'))).toEqual(['0.0'])
  })

  it('sweeps the drafts of killed processes away, and never shows one', async () => {
    const place = join(folder(), 'swept/k')
    await mkdir(place, { recursive: true })
    await writeFile(join(place, '0.3.draft-1-0'), bytes(1))
    await writeFile(join(place, '0.33.draft-1-0'), bytes(1))
    const store = folderStore(join(folder(), 'swept'))
    expect(await store.has('k/0.3')).toBe(false)
    await store.put('k/0.3', bytes(1, 2))
    expect((await readdir(place)).toSorted()).toEqual(['0.3', '0.33.draft-1-0'])
  })

  it('leaves nothing where a file cannot be written', async () => {
    const place = join(folder(), 'full')
    await mkdir(place)
    // A place whose draft leads to a device that is always full.
    await symlink('/dev/full', join(place, `0.0.draft-${process.pid}-0`))
    const store = folderStore(place)
    expect(await store.put('0.0', bytes(1, 2))).toBe('new')
    expect(await readdir(place)).toEqual(['0.0'])
  })
})

it('postgresStore makes its table once, and takes a plain name alone', async () => {
  const client = fakePostgres()
  const store = postgresStore(client, { table: 'mine' })
  await Promise.all([store.has('a'), store.has('b'), store.put('c', bytes(1))])
  expect(client.asked.filter((text) => text.startsWith('create'))).toHaveLength(1)
  expect(client.asked.every((text) => text.includes('mine'))).toBe(true)
  expect(() => postgresStore(client, { table: 'a; drop table b' })).toThrow(RangeError)
})

it('redisStore and s3Store put their prefix before every key', async () => {
  const [redis, s3] = [fakeRedis(), fakeS3(true)]
  await redisStore(redis, { prefix: 'p:' }).put('k', bytes(1))
  await s3Store({ client: s3, bucket: 'b', prefix: 'p/' }).put('k', bytes(1))
  expect([[...redis.held.keys()], [...s3.held.keys()]]).toEqual([['p:k'], ['p/k']])
})
