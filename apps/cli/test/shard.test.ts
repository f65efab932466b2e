// Kills: shards of another range than was asked for, a merge of shards that are missing, another snapshot by parts than in one go, a plan that is no file, options that
// cannot go together. What brokers do is tried by `npm run services`.
import { frequentItems } from '@sublinear/attention'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callSublinear } from './call-sublinear'

const sublinear = (...args: string[]) => callSublinear(args)
let folder = ''
const at = (name: string) => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shard-'))
  const rows = 'export function* rows(f, n) { for (let i = f; i < f + n; i++) yield { items: [i % 5] } }'
  const source = { module: `data:text/javascript,${rows}`, rows: 100 }
  const plan = { counter: { kind: 'frequentItems', count: 16 }, source, rowsPerShard: 10, fanIn: 3 }
  await writeFile(join(folder, 'plan.json'), JSON.stringify(plan))
})
afterAll(() => rm(folder, { recursive: true }))

it('shards on several machines, and their merge, are the whole', async () => {
  const merge = ['merge', at('plan.json'), '--store', at('parts'), '--out', at('merged')]
  expect((await sublinear('shard', at('plan.json'), '--store', at('parts'), '--shards', '0-4')).code).toBe(0)
  const early = await sublinear(...merge)
  expect([early.code, early.stderr]).toEqual([2, expect.stringContaining('5 of 10 shards are missing: 5, 6, 7, 8, 9')])
  await sublinear('shard', at('plan.json'), '--store', at('parts'), '--shards', '5-9')
  expect((await sublinear(...merge)).code).toBe(0)
  const whole = await sublinear('shard', at('plan.json'), '--store', at('whole'), '--out', at('one'), '--json')
  expect(JSON.parse(whole.stdout)).toMatchObject({ rows: 100, shards: 10 })
  const [merged, one] = await Promise.all([readFile(at('merged')), readFile(at('one'))])
  expect(Buffer.compare(merged, one)).toBe(0)
  const counted = frequentItems({ count: 16 })
  for (let i = 0; i < 100; i++) counted.update(i % 5)
  expect(one.length).toBe(counted.toBytes().length)
})

it('refuses what cannot be', async () => {
  const plan = join(folder, 'plan.json')
  const both = await sublinear('shard', plan, '--store', folder, '--shards', '0-1', '--out', join(folder, 'x'))
  expect([both.code, both.stderr]).toEqual([1, expect.stringContaining('--shards merges nothing')])
  const none = await sublinear('shard', join(folder, 'none.json'), '--store', folder)
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('there is no such file')])
  const ftp = await sublinear('work', '--on', 'ftp://queue', '--store', folder)
  expect([ftp.code, ftp.stderr]).toEqual([2, expect.stringContaining('connection must begin with redis:')])
})
