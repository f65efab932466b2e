import { cpus, loadavg, tmpdir } from 'node:os'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as faults from '@sublinear/cluster/faults'
import type { FarHost, Landed, Trial } from '@sublinear/cluster/faults'
import { postgresAdapter, redisAdapter, type ServiceAdapter } from './adapter.ts'
import type { Server } from './servers.ts'

/**
 * Runs the campaign: `node src/campaign.ts [--rounds 11] [--only redis | postgres] [--add]` writes results/campaign.json. A round is a run of 32
 * short shards, on two to three workers,
 * under some 25 faults of nine kinds; networks are cut by network namespaces where the machine has them. `--only` keeps the rounds of the other
 * broker, `--add` keeps all earlier rounds.
 */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '11' }, only: { type: 'string' }, add: { type: 'boolean' } },
})
const rounds = Number(values.rounds)
const [SHARDS, KILLS, DELIVERIES] = [32, 10, 8]
/** Merges whose jobs are delivered before their parts are there. */
const EARLY = ['3.0', '2.0', '2.1', '1.2', '1.5', '1.7']

interface Round {
  readonly broker: string
  readonly seconds: number
  readonly landed: Record<string, number>
  readonly missed: number
  readonly nodes: number
  readonly wrong: readonly string[]
  readonly mostBegun: number
  readonly stalls: number
  readonly dead: number
}

async function round(adapter: ServiceAdapter, server: Server, index: number, far: FarHost | undefined): Promise<Round> {
  const landed: Landed[] = []
  let missed = 0
  const note = (one: Landed | undefined) => (one ? landed.push(one) : missed++)
  const lane = async (trial: Trial, count: number, fault: (trial: Trial) => Promise<Landed | undefined>) => {
    for (let i = 0; i < count && !trial.isOver(); i++) {
      note(await fault(trial))
      await faults.wait(200)
    }
  }
  const outcome = await faults.trial(
    adapter,
    server,
    {
      salt: 1000 + index,
      shards: SHARDS,
      workers: 2 + (index % 2),
      coordinators: 1 + (index % 2),
      far,
      mostMs: 600_000,
    },
    async (trial) => {
      if (index % 2 === 1) note({ fault: 'two coordinators', detail: trial.key })
      const kind = index % 3
      // Networks are cut first: a worker that is stopped waits for others, which must not be cut off then.
      if (kind === 2) note((await faults.cutNetwork(trial)) ?? (await faults.cutNetwork(trial)))
      const whole = async () => {
        await faults.wait(2500)
        if (trial.isOver() || kind === 2) return
        note(await (kind === 0 ? faults.killBroker : faults.pauseBroker)(trial))
      }
      await Promise.all([
        lane(trial, KILLS, faults.killInShard).then(() => lane(trial, 1, faults.stopInShard)),
        ...EARLY.map((node) => faults.deliverEarly(trial, node).then(note)),
        lane(trial, DELIVERIES, faults.deliverTwice),
        whole(),
      ])
    },
  )
  for (const { verify } of landed) verify?.()
  const counts: Record<string, number> = {}
  for (const { fault } of landed) counts[fault] = (counts[fault] ?? 0) + 1
  const { nodes, wrong, mostBegun, events, ms } = outcome
  const of = (type: string) => events.filter((event) => event.type === type).length
  return {
    broker: adapter.name,
    seconds: Math.round(ms / 100) / 10,
    landed: counts,
    missed,
    nodes,
    wrong,
    mostBegun,
    stalls: of('stalled'),
    dead: of('dead'),
  }
}

const results = new URL('../results/campaign.json', import.meta.url)
const before = values.only || values.add ? (JSON.parse(readFileSync(results, 'utf8')) as { all: Round[] }).all : []
const all: Round[] = before.filter(({ broker }) => values.add || broker !== values.only)
const write = () => {
  const total: Record<string, Record<string, number>> = {}
  for (const { broker, landed } of all)
    for (const [fault, count] of Object.entries(landed))
      total[fault] = { ...total[fault], [broker]: (total[fault]?.[broker] ?? 0) + count }
  const sum = (of: (one: Round) => number) => all.reduce((s, one) => s + of(one), 0)
  const summary = {
    script: 'node src/campaign.ts',
    machine: `${cpus().length} x ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)} at the end, Node ${process.version}`,
    rounds: all.length,
    faults: sum(({ landed }) => Object.values(landed).reduce((s, count) => s + count, 0)),
    missed: sum(({ missed }) => missed),
    artifacts: sum(({ nodes }) => nodes),
    wrongOrLost: sum(({ wrong }) => wrong.length),
    dead: sum(({ dead }) => dead),
    mostBegun: Math.max(...all.map(({ mostBegun }) => mostBegun)),
    allowed: 28, // 8 attempts and 20 stalls
    landed: total,
    all,
  }
  writeFileSync(results, `${JSON.stringify(summary, null, 2)}\n`)
  return summary
}

for (const adapter of [redisAdapter, postgresAdapter].filter(({ name }) => (values.only ?? name) === name)) {
  const folder = mkdtempSync(join(tmpdir(), 'campaign-'))
  const far = faults.farHost()
  const server = await adapter.start(folder, far?.address)
  const first = all.filter(({ broker }) => broker === adapter.name).length
  try {
    for (let i = 0; i < rounds; i++) {
      const one = await round(adapter, server, first + i, far)
      all.push(one)
      const { faults: count, wrongOrLost, dead } = write()
      console.log(JSON.stringify(one))
      console.log(`${count} faults, ${wrongOrLost} wrong or lost, ${dead} dead`)
    }
  } finally {
    await server.kill()
    far?.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
const { wrongOrLost, dead, mostBegun, allowed } = write()
process.exit(wrongOrLost + dead > 0 || mostBegun > allowed ? 1 : 0)
