import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { farHost } from './far-host'
import type { BrokerServer, FaultAdapter } from './fault-adapter'
import * as faults from './fault-kinds'
import type { Landed } from './fault-kinds'
import { trial, type Trial, type TrialOptions, type TrialOutcome } from './fault-trial'
import type { Law, LawResult } from './law'
import type { RunEvent } from './run-events'
import { runInline } from './run-inline'
import { runOn } from './run-on'
import { shardPlan } from './shard-plan'
import { smallDisk } from './small-disk'
import { memoryStore } from './store'
import { work } from './work'

type Need = 'worker processes' | 'a server that can be killed' | 'a server that can be stopped'

/** Checks that every artifact is there and equals that of an inline run, that no node was given up, and that what must follow the faults has followed. */
function whole(outcome: TrialOutcome, landed: readonly Landed[], least: number): LawResult {
  assert.deepEqual(outcome.wrong, [], 'artifacts that are missing or differ from those inline')
  assert.equal(outcome.events.filter(({ type }) => type === 'dead').length, 0, 'nodes were given up')
  for (const { verify } of landed) verify?.()
  assert.ok(landed.length >= least, `${least} faults had to land, ${landed.length} did`)
  return { landed }
}

/** Gives a fault again and again, until so many have landed or the run is over. */
async function several(trial: Trial, count: number, give: (trial: Trial) => Promise<Landed | undefined>) {
  const landed: Landed[] = []
  for (let i = 0; i < count + 2 && landed.length < count && !trial.isOver(); i++) {
    const one = await give(trial)
    if (one) landed.push(one)
  }
  return landed
}

const those = async (...given: Promise<Landed | undefined>[]) =>
  (await Promise.all(given)).filter((one) => one !== undefined)

const afterFirst = (give: (trial: Trial) => Promise<Landed | undefined>) => async (trial: Trial) => {
  await trial.next(({ type }) => type === 'node')
  return those(give(trial))
}

const code = (fault: string) =>
  `data:text/javascript,export function* rows(first, count) { ${fault}; yield { items: Array.from({ length: count }, (_, i) => (first + i) % 5) } }`

/**
 * Makes the laws of a broker, to be run one after another: runs of short shards under faults. Every artifact must equal that of an inline run, no node may be
 * given up, and every fault is verified to have landed. A law that cannot be tried says what is missing: worker processes, a server that can be killed or
 * stopped, the right to mount a disk, namespaces.
 *
 * Cost: some 60 seconds with worker processes, most of it waiting for locks; some five seconds in this process.
 *
 * @param adapter  starts the broker, reaches it, and gives it tasks that no coordinator asked for
 * @param server   the server that `adapter.start` gave; it is up when the laws are over, and whoever started it must stop it
 */
export function brokerLaws(adapter: FaultAdapter, server: BrokerServer): readonly Law[] {
  const missing = (needs: readonly Need[]) =>
    needs.find(
      (need) =>
        (need === 'worker processes' && !adapter.worker) ||
        (need === 'a server that can be killed' && !(server.kill && server.start)) ||
        (need === 'a server that can be stopped' && !(server.pause && server.resume && server.pid !== undefined)),
    )
  const under = async (
    options: TrialOptions,
    least: number,
    give: (trial: Trial) => Promise<readonly Landed[]>,
    on = server,
  ): Promise<LawResult> => {
    let landed: readonly Landed[] = []
    const outcome = await trial(adapter, on, options, async (it) => {
      landed = await give(it)
    })
    return whole(outcome, landed, least)
  }
  /** Makes a law of faults during one run. */
  const law = (
    name: string,
    kills: readonly string[],
    {
      least,
      needs = [],
      ...options
    }: Omit<TrialOptions, 'salt'> & { least: number; needs?: readonly Need[] | undefined },
    give: (trial: Trial) => Promise<readonly Landed[]>,
  ): Law => ({
    name: `${adapter.name}: ${name}`,
    kills,
    async run() {
      const need = missing(needs)
      return need ? { notTried: `this needs ${need}` } : under({ salt: name.length, ...options }, least, give)
    },
  })
  return [
    law(
      'a shard whose worker is killed is begun again by another',
      ['a dead worker’s task that is not delivered again', 'a lock that never runs out'],
      { least: 3, shards: 12, needs: ['worker processes'] },
      (trial) => several(trial, 4, faults.killInShard),
    ),
    law(
      'a worker that stands still and finishes late changes nothing',
      ['a late answer that fails the run', 'a silent worker that is waited for'],
      { least: 1, shards: 16, needs: ['worker processes'] },
      (trial) => several(trial, 1, faults.stopInShard),
    ),
    law(
      'tasks that are delivered twice or too early change nothing',
      ['a merge that begins without its parts', 'a task that is done again though its artifact is there'],
      { least: 3, shards: 10 },
      (trial) =>
        those(
          faults.deliverTwice(trial),
          faults.deliverTwice(trial),
          faults.deliverEarly(trial),
          faults.deliverEarly(trial, '1.1'),
        ),
    ),
    law(
      'a broker that is killed and started again loses nothing',
      ['a run that waits for a broker that has forgotten it', 'clients that do not connect again'],
      { least: 1, shards: 14, needs: ['a server that can be killed'] },
      afterFirst(faults.killBroker),
    ),
    law(
      'a broker that stands still past the locks loses nothing',
      ['tasks that are dead because their lock could not be renewed'],
      { least: 1, shards: 14, needs: ['a server that can be stopped'] },
      afterFirst(faults.pauseBroker),
    ),
    law(
      'a line that swallows all bytes past the locks loses nothing',
      ['a worker that never notices that its broker is out of reach'],
      { least: 1, shards: 16, needs: ['worker processes'] },
      (trial) => several(trial, 1, faults.cutNetwork),
    ),
    {
      name: `${adapter.name}: a link between two hosts that is down past the locks loses nothing`,
      kills: ['a connection that waits for ever for answers that were lost'],
      async run() {
        const need = missing(['worker processes'])
        const far = need ? undefined : farHost()
        if (!far)
          return { notTried: `this needs ${need ?? 'network namespaces: Linux, ip, and the right to make them'}` }
        const folder = mkdtempSync(join(tmpdir(), 'far-'))
        try {
          const own = await adapter.start(folder, far.address)
          try {
            return await under({ salt: 4, shards: 16, far }, 1, (trial) => several(trial, 1, faults.cutNetwork), own)
          } finally {
            await own.stop()
          }
        } finally {
          far.close()
          rmSync(folder, { recursive: true, force: true })
        }
      },
    },
    law(
      'two coordinators of one plan have one result',
      ['a second coordinator that begins the run anew, or fails it'],
      { least: 1, shards: 8, coordinators: 2 },
      async (trial) => [{ fault: 'two coordinators', detail: trial.key }],
    ),
    {
      name: `${adapter.name}: a store without room is tried again, and loses nothing`,
      kills: ['an error of the store that is final', 'half an artifact that is taken for one'],
      async run() {
        const disk = smallDisk()
        if (!disk) return { notTried: 'this needs the right to mount a small disk' }
        try {
          return await under({ salt: 3, shards: 8, storeFolder: disk.folder }, 1, async (trial) => {
            await trial.next(({ type }) => type === 'rows')
            disk.fill()
            const event = await trial.next((one) => one.type === 'retry' && one.reason.includes('ENOSPC'))
            disk.free()
            return event?.type === 'retry' ? [{ fault: 'store full', detail: `${event.node} ${event.reason}` }] : []
          })
        } finally {
          disk.unmount()
        }
      },
    },
    {
      name: `${adapter.name}: a dead node has its reason, and a cancelled run goes on when it is asked again`,
      kills: ['a reason that is lost', 'a final error that is tried again', 'a cancelled run that begins new tasks'],
      run: () => deadAndCancelled(adapter, server),
    },
  ]
}

const countsWith = (fault: string) =>
  shardPlan({
    counter: { kind: 'frequentItems', count: 8 },
    source: { module: code(fault), rows: 60 },
    rowsPerShard: 5,
    fanIn: 3,
  })

async function deadAndCancelled(adapter: FaultAdapter, server: BrokerServer): Promise<LawResult> {
  const store = memoryStore()
  const broker = adapter.broker(server.url)
  const stop = new AbortController()
  const working = work(broker, { store, signal: stop.signal })
  try {
    const bad = await countsWith("if (first === 25) throw new RangeError('row 25 is no number')")
    await assert.rejects(runOn(broker, bad, { store, lookMs: 50 }), /0\.5: row 25 is no number/)

    const slow = await countsWith('const end = performance.now() + 150; while (performance.now() < end)')
    const cancel = new AbortController()
    let nodes = 0
    const onEvent = ({ type }: RunEvent) => {
      if (type === 'node' && ++nodes === 3) cancel.abort(new Error('cancelled'))
    }
    await assert.rejects(runOn(broker, slow, { store, lookMs: 50, signal: cancel.signal, onEvent }), /cancelled/)
    const { digest, open } = await runOn(broker, slow, { store, lookMs: 50 })
    assert.equal(digest, (await runInline(slow)).digest)
    assert.equal((await open()).total, 60)
    return {
      landed: [
        { fault: 'row that cannot be read', detail: '0.5' },
        { fault: 'run cancelled', detail: `after ${nodes} nodes` },
      ],
    }
  } finally {
    stop.abort()
    await working
  }
}
