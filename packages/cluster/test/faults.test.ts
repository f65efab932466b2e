// The laws of brokers and stores, on what needs no service, and on faulty ones, which each law must reject. BullMQ, Redis and PostgreSQL are tried by `npm run services`.
// Kills: a law that cannot fail, a broker in this process that loses tasks, a store that takes two contents, a line that is not cut or does not come back, a URL that loses its user
// on the way to another host.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { folderStore, memoryStore, type Broker, type Store } from '../src'
import { cutLine, elsewhere } from '../src/cut-line'
import { brokerLaws, inProcess, storeLaws, type FaultAdapter, type LawResult } from '../src/faults'
import { rows } from '../src/fault-rows'
import { scratchFolder } from '../../io/test/scratch-folder'

const folder = scratchFolder()
const landedIn = (result: LawResult) => ('landed' in result ? result.landed.map(({ fault }) => fault) : result.notTried)

describe('brokerLaws', async () => {
  const adapter = inProcess()
  const server = await adapter.start(folder())
  const laws = brokerLaws(adapter, server)
  const found = new Map<string, string | string[]>()
  it.each(laws)('$name', { timeout: 60_000 }, async (law) => {
    found.set(law.name.replace('in process: ', ''), landedIn(await law.run()))
  })
  it('has landed what can be tried on a broker of this process', () => {
    expect(found.size).toBe(laws.length)
    const tried = [...found.values()].filter((one) => typeof one !== 'string').flat()
    expect(tried).toEqual(
      expect.arrayContaining([
        'task delivered twice',
        'task delivered too early',
        'broker killed and started again',
        'two coordinators',
        'run cancelled',
      ]),
    )
    expect([...found.values()].filter((one) => one === 'this needs worker processes')).toHaveLength(4)
  })
})

/** The adapter of this process, its broker wrapped by a fault. */
function faulty(wrap: (broker: Broker) => Broker, adapter = inProcess()): FaultAdapter {
  return { ...adapter, broker: (url) => wrap(adapter.broker(url)) }
}

async function lawOf(adapter: FaultAdapter, name: string) {
  const server = await adapter.start(folder())
  return brokerLaws(adapter, server).find((law) => law.name.includes(name))!
}

describe('brokerLaws reject', () => {
  it('a worker that says done without doing it', { timeout: 60_000 }, async () => {
    const few = inProcess({ attempts: 6 }) // the merge above it fails, and is tried so often
    const lazy = faulty(
      (broker) => ({
        ...broker,
        serve: (perform, how) =>
          broker.serve(
            (task, calls) =>
              task.node === '0.3' ? Promise.resolve({ node: task.node, state: 'new', bytes: 0 }) : perform(task, calls),
            how,
          ),
      }),
      few,
    )
    await expect((await lawOf(lazy, 'two coordinators')).run()).rejects.toThrow()
  })
  it('a final error that is tried again for ever, and a reason that is lost', { timeout: 60_000 }, async () => {
    const mute = faulty((broker) => ({
      ...broker,
      open: async (run, onEvent) => {
        const open = await broker.open(run, onEvent)
        return { ...open, dead: async () => (await open.dead()).map(({ node }) => ({ node, reason: '' })) }
      },
    }))
    await expect((await lawOf(mute, 'a dead node')).run()).rejects.toThrow()
  })
  it('tasks delivered twice that are done again', { timeout: 60_000 }, async () => {
    const adapter = inProcess()
    const again = faulty(
      (broker) => ({
        ...broker,
        serve: (perform, how) =>
          broker.serve(async (task, calls) => ({ ...(await perform(task, calls)), state: 'new' }), how),
      }),
      adapter,
    )
    await expect((await lawOf(again, 'delivered twice')).run()).rejects.toThrow(/delivered twice ended as/)
  })
})

/** Stores that break a law each, over one in memory. */
const broken: Record<string, (store: Store) => Store> = {
  'holds what it is given': (store) => ({
    ...store,
    get: async (key) => {
      const bytes = await store.get(key)
      return bytes?.length ? bytes : undefined
    },
  }),
  'writes a key once, or the same': (store) => {
    const last = new Map<string, Uint8Array>()
    return {
      ...store,
      async put(key, bytes) {
        const there = last.has(key)
        last.set(key, bytes.slice())
        return there ? 'same' : 'new'
      },
      get: async (key) => last.get(key)?.slice(),
    }
  },
  'keeps bytes of its own': (store) => {
    const given = new Map<string, Uint8Array>()
    return {
      ...store,
      put: (key, bytes) => {
        given.set(key, bytes)
        return store.put(key, bytes)
      },
      get: async (key) => given.get(key),
    }
  },
  'holds large artifacts whole': (store) => ({
    ...store,
    get: async (key) => (await store.get(key))?.subarray(0, 2 ** 21),
  }),
  'lets one of many writers win': (store) => {
    const held = new Map<string, Uint8Array>()
    return {
      ...store,
      async put(key, bytes) {
        const there = held.get(key)
        await new Promise((resolve) => setTimeout(resolve, 1))
        held.set(key, bytes.slice())
        return there ? 'same' : 'new'
      },
      get: async (key) => held.get(key),
    }
  },
  'refuses names that are no keys': (store) => ({
    put: async (key, bytes) => store.put(key.replaceAll(/[^\w]/g, '_') || '_', bytes),
    get: async (key) => store.get(key.replaceAll(/[^\w]/g, '_') || '_'),
    has: async (key) => store.has(key.replaceAll(/[^\w]/g, '_') || '_'),
  }),
}

describe('storeLaws', () => {
  let count = 0
  const stores = [
    storeLaws({ name: 'memoryStore', make: memoryStore }),
    storeLaws({ name: 'folderStore', make: () => folderStore(`${folder()}/laws-${count++}`) }),
  ].flat()
  it.each(stores)('$name', async (law) => {
    expect(await law.run()).toEqual({ landed: [] })
  })
  it.each(Object.entries(broken))('reject a store that breaks: %s', async (name, wrap) => {
    const laws = storeLaws({ name: 'broken', make: () => wrap(memoryStore()) })
    await expect(laws.find((law) => law.name === `broken: ${name}`)!.run()).rejects.toThrow()
  })
  it('has a broken store for each law', () => {
    const names = storeLaws({ name: 'x', make: memoryStore }).map((law) => law.name.replace('x: ', ''))
    expect(Object.keys(broken)).toEqual(names)
  })
})

/** The bytes that arrive within a time that is long enough to say that none do. */
const heard = (socket: Socket, ms: number) =>
  new Promise<string>((resolve) => {
    let all = ''
    socket.on('data', (bytes) => (all += String(bytes)))
    setTimeout(() => resolve(all), ms)
  })
/** The first bytes that arrive, however late on a crowded machine. */
const next = async (socket: Socket) => String((await once(socket, 'data'))[0])

describe('cutLine', () => {
  it('passes bytes, swallows them while it is cut without an end, and resets what was open when it is joined', async () => {
    const echo = createServer((socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
    const { port } = echo.address() as { port: number }
    const line = await cutLine(`redis://127.0.0.1:${port}`)
    const open = () => connect(Number(new URL(line.url).port), '127.0.0.1')
    const socket = open()
    let ended = ''
    socket.on('error', ({ message }) => (ended = message))
    socket.on('close', () => (ended ||= 'closed'))
    socket.write('one')
    expect(await next(socket)).toBe('one')
    line.cut()
    socket.write('two')
    expect(await heard(socket, 300)).toBe('')
    expect(ended).toBe('')
    expect(line.join()).toMatch(/^3 bytes/)
    await vi.waitFor(() => expect(ended).not.toBe(''), 5000)
    const later = open()
    later.write('three')
    expect(await next(later)).toBe('three')
    expect(line.join()).toBeUndefined()
    later.destroy()
    line.close()
    echo.close()
  })

  it('leads to the same server at another place', () => {
    expect(elsewhere('postgres://me:secret@127.0.0.1:5432/postgres?a=1', '10.0.0.1', '77')).toBe(
      'postgres://me:secret@10.0.0.1:77/postgres?a=1',
    )
    expect(elsewhere('redis://localhost:6379', 'far', '1')).toBe('redis://far:1')
  })
})

const keysOf = (first: number, count: number) =>
  [...rows(first, count, { d: 3, salt: 2 })].flatMap((block) => ('keys' in block ? [...block.keys.data] : []))

describe('the rows of a trial', () => {
  it('are those of their index, however the range is cut', () => {
    expect([...keysOf(0, 700), ...keysOf(700, 500)]).toEqual(keysOf(0, 1200))
    expect(new Set(keysOf(0, 1200)).size).toBeGreaterThan(3500)
    expect(Math.max(...keysOf(0, 1200).map(Math.abs))).toBeLessThanOrEqual(1)
  })
})
