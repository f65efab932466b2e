import { memoryStore, runInline, runOn, shardPlan, work, type RunEvent } from '@sublinear/cluster'
import assert from 'node:assert/strict'
import type { Adapter } from './adapter.ts'
import { smallDisk } from './full-disk.ts'
import type { Server } from './servers.ts'
import * as faults from './trial.ts'
import type { Landed, Outcome, Trial } from './trial.ts'

/** A law of every broker. It returns the faults that landed, says why it could not be tried, or throws. */
export interface Law {
  readonly name: string
  run(adapter: Adapter, server: Server): Promise<readonly Landed[] | string>
}

const noted = async (...given: Promise<Landed | undefined>[]) => {
  const landed = (await Promise.all(given)).filter((one) => one !== undefined)
  return landed
}

/** Every artifact is there and as inline, no node was given up, and what had to follow the faults has. */
function whole(outcome: Outcome, landed: readonly Landed[], least: number): readonly Landed[] {
  assert.deepEqual(outcome.wrong, [])
  assert.equal(outcome.events.filter(({ type }) => type === 'dead').length, 0)
  for (const { verify } of landed) verify?.()
  assert.ok(landed.length >= least, `${least} faults had to land, ${landed.length} did`)
  return landed
}

/** A law of faults beside one run. */
const law = (
  name: string,
  least: number,
  what: { shards: number; workers?: number; coordinators?: number },
  give: (trial: Trial) => Promise<readonly Landed[]>,
): Law => ({
  name,
  async run(adapter, server) {
    let landed: readonly Landed[] = []
    const outcome = await faults.trial(adapter, server, { salt: name.length, ...what }, async (trial) => {
      landed = await give(trial)
    })
    return whole(outcome, landed, least)
  },
})

const code = (fault: string) =>
  `data:text/javascript,export function* rows(first, count) { ${fault}; yield { items: Array.from({ length: count }, (_, i) => (first + i) % 5) } }`

/** The laws of a broker: `brokerLaws.map((law) => law.run(adapter, server))`, one after another. */
export const brokerLaws: readonly Law[] = [
  law('a shard whose worker is killed is begun again by another', 3, { shards: 12 }, async (trial) => {
    const landed: Landed[] = []
    for (let i = 0; i < 6 && landed.length < 4 && !trial.isOver(); i++)
      landed.push(...(await noted(faults.killInShard(trial))))
    return landed
  }),
  law('a worker that stands still and finishes late changes nothing', 1, { shards: 16 }, (trial) =>
    noted(faults.stopInShard(trial)),
  ),
  law('tasks that are delivered twice or too early change nothing', 3, { shards: 10 }, (trial) =>
    noted(
      faults.deliverTwice(trial),
      faults.deliverTwice(trial),
      faults.deliverEarly(trial),
      faults.deliverEarly(trial, '1.1'),
    ),
  ),
  law('a broker that is killed and started again loses nothing', 1, { shards: 14 }, async (trial) => {
    await trial.next(({ type }) => type === 'node')
    return noted(faults.killBroker(trial))
  }),
  law('a broker that stands still past the locks loses nothing', 1, { shards: 14 }, async (trial) => {
    await trial.next(({ type }) => type === 'node')
    return noted(faults.pauseBroker(trial))
  }),
  law('a network that is cut past the locks loses nothing', 1, { shards: 14 }, async (trial) => {
    await trial.next(({ type }) => type === 'rows')
    return noted(faults.cutNetwork(trial))
  }),
  law('two coordinators of one plan have one result', 1, { shards: 8, coordinators: 2 }, async (trial) => [
    { fault: 'two coordinators', detail: trial.key },
  ]),
  {
    name: 'a store without room is tried again, and loses nothing',
    async run(adapter, server) {
      const disk = smallDisk()
      if (!disk) return 'nothing may be mounted here'
      const landed: Landed[] = []
      try {
        const outcome = await faults.trial(
          adapter,
          server,
          { salt: 3, shards: 8, storeFolder: disk.folder },
          async (trial) => {
            await trial.next(({ type }) => type === 'rows')
            disk.fill()
            const event = await trial.next((one) => one.type === 'retry' && one.reason.includes('ENOSPC'))
            disk.free()
            if (event?.type === 'retry') landed.push({ fault: 'store full', detail: `${event.node} ${event.reason}` })
          },
        )
        return whole(outcome, landed, 1)
      } finally {
        disk.unmount()
      }
    },
  },
  {
    name: 'a node that cannot be computed is dead with its reason, and a cancelled run goes on when it is asked again',
    async run(adapter, server) {
      const store = memoryStore()
      const broker = adapter.broker(server.url)
      const stop = new AbortController()
      const working = work(broker, { store, signal: stop.signal })
      try {
        const of = (fault: string, wait = 0) =>
          shardPlan({
            counter: { kind: 'frequentItems', count: 8 },
            source: {
              module: code(`${fault}; const end = performance.now() + ${wait}; while (performance.now() < end)`),
              rows: 60,
            },
            rowsPerShard: 5,
            fanIn: 3,
          })
        const bad = await of("if (first === 25) throw new RangeError('row 25 is no number')")
        await assert.rejects(runOn(broker, bad, { store, lookMs: 50 }), /0\.5: row 25 is no number/)

        const slow = await of('', 150)
        const cancel = new AbortController()
        let nodes = 0
        const onEvent = ({ type }: RunEvent) => {
          if (type === 'node' && ++nodes === 3) cancel.abort(new Error('cancelled'))
        }
        await assert.rejects(runOn(broker, slow, { store, lookMs: 50, signal: cancel.signal, onEvent }), /cancelled/)
        const { digest, open } = await runOn(broker, slow, { store, lookMs: 50 })
        assert.equal(digest, (await runInline(slow)).digest)
        assert.equal((await open()).total, 60)
        return [
          { fault: 'row that cannot be read', detail: '0.5' },
          { fault: 'run cancelled', detail: `after ${nodes} nodes` },
        ]
      } finally {
        stop.abort()
        await working
      }
    },
  },
]
