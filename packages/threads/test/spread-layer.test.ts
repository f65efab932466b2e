// A layer spread over threads against the same layer in one. Kills: heads in the wrong place, columns of a neighbour, a share that takes while another
// refuses, answers of the call before, a payload that is too small, snapshots in another order, threads that keep a process alive.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fc, test } from '@fast-check/vitest'
import {
  catalogue,
  closureStream,
  exactStream,
  layer,
  openStream,
  policies,
  restoreLayer,
  speculate,
  tiers,
  type KvBlock,
  type Layer,
} from '@sublinear/attention'
import { random } from '@sublinear/laws'
import { startThreads, type Threads } from '../src/node'

const [d, dv] = [4, 3]
const shape = { d, dv, scale: 0.5 }
const { h2o, sinks, window, farKeys } = policies
const makers = {
  exact: () => exactStream(shape),
  window: () => window({ count: 40 })(shape),
  h2o: () => h2o({ count: 9 })(shape),
  tiers: () =>
    tiers({ ...shape, parts: [sinks({ count: 2 }), window({ count: 8 }), farKeys({ count: 9 }), closureStream] }),
} as const
const built = (file: string) => new URL(`../dist/${file}`, import.meta.url)
const block = (rows: number, heads: number, seed: number, isWeighted = false): KvBlock => ({
  keys: random(rows, heads * d, seed),
  values: random(rows, heads * dv, seed + 1),
  ...(isWeighted && { weights: random(rows, 1, seed + 2).data.map((x) => 1.5 + x) }),
})

let pools: Threads[]
beforeAll(async () => {
  pools = await Promise.all(
    [1, 2, 3].map((workers) => startThreads({ workers, module: built('node-worker.js'), patience: 60 })),
  )
})
afterAll(() => {
  for (const pool of pools) pool[Symbol.dispose]()
})

describe('a layer over threads', () => {
  const program = fc.array(fc.tuple(fc.constantFrom('push', 'step', 'attend'), fc.nat(70), fc.boolean()), {
    maxLength: 6,
  })
  test.prop(
    [
      fc.constantFrom(0, 1, 2),
      fc.constantFrom([1, 1], [6, 2], [4, 4], [10, 5]),
      fc.constantFrom(...(['exact', 'window', 'h2o', 'tiers'] as const)),
      program,
      fc.nat(1e6),
    ],
    { seed: 3, numRuns: 60 },
  )('is the layer, bit for bit, whatever is called', (pool, [queryHeads, kvHeads], kind, calls, seed) => {
    const options = { queryHeads, kvHeads, make: makers[kind] }
    using one = layer(options)
    using many = pools[pool].layer(options)
    expect(many.workers).toBe(Math.min(pools[pool].workers, kvHeads))
    for (const [i, [call, rows, isWeighted]] of calls.entries()) {
      const queries = random(rows, queryHeads * d, seed + 7 * i)
      const tokens = block(rows, kvHeads, seed + 11 * i, isWeighted)
      if (call === 'push') for (const each of [one, many]) each.push(tokens)
      else if (call === 'step') expect(many.step(tokens, queries)).toEqual(one.step(tokens, queries))
      else expect(many.attend(queries)).toEqual(one.attend(queries))
    }
    expect([many.tokens, many.bytes, many.spare, many.counters]).toEqual([
      one.tokens,
      one.bytes,
      one.spare,
      one.counters,
    ])
    expect(many.toBytes()).toEqual(one.toBytes())
  })

  it('forks, resets, merges, takes back and comes back from its snapshot as the layer does', () => {
    const options = { queryHeads: 6, kvHeads: 3, make: makers.exact }
    const twin = (make: (pool: Threads) => Layer | ReturnType<Threads['layer']>) => make(pools[2])
    const run = (first: ReturnType<typeof twin>, second: ReturnType<typeof twin>) => {
      first.push(block(50, 3, 1))
      second.push(block(30, 3, 5))
      const copy = first.fork()
      first.merge(second)
      second.reset()
      const trial = speculate(copy)
      trial.push(block(4, 3, 9))
      trial.accept(2)
      return [first, second, copy].map((each) => each.toBytes())
    }
    const alone = run(layer(options), layer(options))
    const spread = run(
      twin((pool) => pool.layer(options)),
      twin((pool) => pool.layer(options)),
    )
    expect(spread).toEqual(alone)
    expect(pools[1].restoreLayer(alone[0]).toBytes()).toEqual(alone[0])
    expect(restoreLayer(spread[0], openStream).tokens).toBe(80)
  })

  it('takes nothing where one share refuses, wherever that is', () => {
    for (const pool of pools) {
      using many = pool.layer({ queryHeads: 3, kvHeads: 3, make: makers.exact })
      many.push(block(5, 3, 1))
      const before = many.toBytes()
      const bad = block(2, 3, 4)
      bad.values.data[8] = Infinity
      expect(() => many.push(bad)).toThrow('threads.layer: values must be finite')
      expect(() => many.push(block(2, 2, 4))).toThrow('threads.layer: keys must have 12 columns, got 8')
      expect(() => many.step(block(2, 3, 4), random(3, 12, 1))).toThrow('queries must have 2 rows, got 3')
      const other = layer({ queryHeads: 3, kvHeads: 3, make: makers.window })
      expect(() => many.merge(other)).toThrow('exact: cannot merge, the other stream is not exact but window')
      expect(() => many.merge({} as never)).toThrow(TypeError)
      for (const ask of [
        () => many.attend(random(1, 12, 1), { errorBars: true }),
        () => many.step(block(1, 3, 1), random(1, 12, 1), { errorBars: true }),
      ])
        expect(ask).toThrow('threads.layer: gives no error bars')
      expect(() => many.takeBack(-1)).toThrow('count must be an integer >= 0')
      expect(many.toBytes()).toEqual(before)
    }
  })

  it('takes nothing back where a share in a thread refuses, and goes on', () => {
    using many = pools[1].layer({
      queryHeads: 2,
      kvHeads: 2,
      make: (h) => (h === 0 ? makers.exact() : makers.window()),
    })
    many.push(block(200, 2, 1))
    const before = many.toBytes()
    expect(() => many.takeBack(150)).toThrow(/can take back at most \d+ tokens now, got 150/)
    expect(many.toBytes()).toEqual(before)
  })

  it('carries blocks that are larger than the memory that it began with', () => {
    const options = { queryHeads: 2, kvHeads: 2, make: makers.window }
    const big = block(90_000, 2, 1)
    const [one, many] = [layer(options), pools[1].layer(options)]
    for (const each of [one, many]) each.push(big)
    const queries = random(3, 8, 5)
    expect(many.attend(queries)).toEqual(one.attend(queries))
  })

  it('refuses methods that a thread does not know, and is over when the threads are', async () => {
    const strange = { ...exactStream(shape), toBytes: () => new Uint8Array(3) }
    expect(() => pools[1].layer({ queryHeads: 2, kvHeads: 2, make: () => ({ ...strange }) })).toThrow(RangeError)
    const pool = await startThreads({ workers: 2, module: built('node-worker.js') })
    pool[Symbol.dispose]()
    expect(() => pool.layer({ queryHeads: 2, kvHeads: 2, make: makers.exact })).toThrow('the threads were ended')
    for (const workers of [0, 1.5, NaN])
      await expect(startThreads({ workers })).rejects.toThrow('workers must be an integer')
    await expect(
      startThreads({ workers: 2, module: 'data:text/javascript,throw new Error("no")' as never }),
    ).rejects.toThrow()
  })

  it('knows the methods of a module of yours, and lets the process end', () => {
    const script = `
      import { startThreads } from ${JSON.stringify(String(built('node.js')))}
      import { layer, exactStream } from '@sublinear/attention'
      const threads = await startThreads({ workers: 2 })
      const options = { queryHeads: 2, kvHeads: 2, make: () => exactStream({ d: 1, dv: 1, scale: 1 }) }
      const m = (rows) => ({ rows, cols: 2, data: new Float32Array(2 * rows).fill(rows) })
      const run = (one) => one.step({ keys: m(3), values: m(3) }, m(3)).sum.data.join()
      console.log(run(threads.layer(options)) === run(layer(options)))`
    for (const flags of [[], ['--expose-gc']]) {
      const said = execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        encoding: 'utf8',
        timeout: 50_000,
      })
      expect(said).toBe('true\n')
    }
    expect(catalogue.length).toBeGreaterThan(0)
  })
})
