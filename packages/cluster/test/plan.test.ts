// Kills: a row that no shard or two shards hold, a node with a part left out or out of order, a last node of wrong width, a key that forgets an option or the engine, or
// depends on the order of names or on the size of blocks, a method that does not merge let through, one that merges refused, options that JSON would change.
import { catalogue } from '@sublinear/attention'
import { describe, expect, it, test } from 'vitest'
import { levelsOf, nodeOf, planKey, rootOf, shardPlan, type ShardPlan } from '../src'
import { nearestMerging } from '../src/nearest-merging'
import { exactPlan, featurePlan, module, shape } from './plans'

/** Shards below a node, found by walking down. */
function shardsBelow(plan: ShardPlan, id: string): number[] {
  const { parts, index } = nodeOf(plan, id)
  return parts.length === 0 ? [index] : parts.flatMap((part) => shardsBelow(plan, part))
}

const cut = (rows: number, rowsPerShard: number, fanIn: number): ShardPlan => ({
  summary: { counter: { kind: 'frequentItems', count: 2 } },
  rows,
  rowsPerShard,
  fanIn,
  blockRows: 1,
})

test('every tree of up to 40 rows holds each row once, in order, below every level', () => {
  for (let rows = 1; rows <= 40; rows++)
    for (const rowsPerShard of [1, 2, 3, 7, 50])
      for (const fanIn of [0, 2, 3, 5]) {
        const plan = cut(rows, rowsPerShard, fanIn)
        const levels = levelsOf(plan)
        const shards = Math.ceil(rows / rowsPerShard)
        expect(levels[0]).toBe(shards)
        expect(levels.at(-1)).toBe(1)
        expect(shardsBelow(plan, rootOf(plan).id)).toEqual(Array.from({ length: shards }, (_, i) => i))
        for (const [level, count] of levels.entries()) {
          let at = 0
          for (let i = 0; i < count; i++) {
            const { first, end, parts, kind } = nodeOf(plan, `${level}.${i}`)
            expect([first, end > first]).toEqual([at, true])
            at = end
            if (kind === 'merge') expect(parts.length).toBeLessThanOrEqual(fanIn)
          }
          expect(at).toBe(rows)
        }
      }
})

it('refuses nodes that a plan has not', () => {
  for (const id of ['0.15', '3.0', '1', 'plan', '0.-1', '0.1.2'])
    expect(() => nodeOf(cut(1000, 70, 5), id), id).toThrow(RangeError)
  expect(nodeOf(cut(1000, 70, 5), '1.2').parts).toEqual(['0.10', '0.11', '0.12', '0.13', '0.14'])
})

describe('the key', () => {
  it('tells plans and engines apart, and nothing else', async () => {
    const plan = await featurePlan()
    const others = [
      await featurePlan({ rows: 1001 }),
      await featurePlan({ rowsPerShard: 71 }),
      await featurePlan({ fanIn: 4 }),
      await featurePlan({ options: { block: 32 } }),
      await exactPlan(),
    ]
    const keys = [plan, ...others].map((one) => planKey(one))
    expect(new Set([...keys, planKey(plan, 'scalar 0.1.0'), planKey(plan, 'simd 0.2.0')]).size).toBe(8)
    expect(planKey(await featurePlan({ blockRows: 3 }))).toBe(keys[0])
    const turned = Object.fromEntries(Object.entries(plan).toReversed()) as unknown as ShardPlan
    expect(planKey(turned)).toBe(keys[0])
    expect(planKey(JSON.parse(JSON.stringify(plan)) as ShardPlan)).toBe(keys[0])
  })
})

const source = { module, rows: 100, options: { kind: 'kv', cols: 3, dv: 2 } }
const tried = new Map(
  catalogue.map((method) => {
    const options = method.usual ?? method.within(shape, 20_000, { tokens: 100, weighted: true }) ?? {}
    return [method.name, { method, options }]
  }),
)

const of = (name: string) => {
  const { options } = tried.get(name)!
  return shardPlan({ method: { name, shape, options }, source, rowsPerShard: 10, fanIn: 0 })
}

describe('shardPlan', () => {
  it.each([...tried])('%s is planned or refused as its summaries merge', async (name, { method, options }) => {
    const asked = shardPlan({ method: { name, shape, options }, source, rowsPerShard: 10 })
    const merging = (() => {
      try {
        using stream = method.make(shape, options)
        return stream.merging
      } catch {
        return undefined // options that this test cannot choose
      }
    })()
    if (merging === undefined) return expect(asked).rejects.toThrow()
    if (merging !== 'none') return expect((await asked).rows).toBe(100)
    await expect(asked).rejects.toThrow(`the nearest method that merges is ${nearestMerging(name)}`)
    const { method: other, options: theirs } = tried.get(nearestMerging(name))!
    using nearest = other.make(shape, theirs)
    expect(nearest.merging).not.toBe('none')
  })

  it('takes a method that does not merge where nothing is merged, unless it needs queries', async () => {
    expect((await of('farKeys')).fanIn).toBe(0)
    await expect(of('h2o')).rejects.toThrow(/learns from the queries/)
  })

  it('chooses options for a budget, and says when nothing fits', async () => {
    const plan = await shardPlan({ method: { name: 'window', shape, budgetBytes: 4000 }, source, rowsPerShard: 10 })
    expect('method' in plan.summary && plan.summary.method.options).toMatchObject({
      count: expect.any(Number) as number,
    })
    const none = shardPlan({ method: { name: 'window', shape, budgetBytes: 10 }, source, rowsPerShard: 10 })
    await expect(none).rejects.toThrow('nothing of window fits 10 bytes')
  })

  it.each([
    [{ fanIn: 1 }, /fanIn must be 0 or at least 2/],
    [{ rowsPerShard: 0 }, /rowsPerShard must be an integer >= 1/],
    [{ rowsPerShards: 3 }, /did you mean rowsPerShard\?/],
    [{ source: { module, rows: 0 } }, /rows of the source must be an integer >= 1/],
    [{ source: { module, rows: 2 ** 40 } }, /there may be 2\^20 shards/],
    [{ source: { ...source, options: { at: new Float32Array(2) } } }, /source.options.at must be plain JSON/],
    [{ method: undefined }, /give one of method, sketch and counter/],
    [{ method: { name: 'taylr', shape } }, /there is no method "taylr"/],
    [{ method: undefined, sketch: { kind: 'countSketch', m: 4, width: 3 } }, /seed must be given/],
    [{ method: undefined, sketch: { kind: 'minSketch', m: 4, width: 3 }, seed: 1 }, /there is no sketch "minSketch"/],
    [{ method: undefined, counter: { kind: 'hits', count: 3 } }, /there is no counter "hits"/],
  ])('refuses %j', async (wrong, message) => {
    const right = { method: { name: 'exact', shape }, source, rowsPerShard: 10 }
    await expect(shardPlan({ ...right, ...wrong } as never)).rejects.toThrow(message)
  })
})
