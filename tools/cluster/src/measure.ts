import { exactAttention, normalise, taylorFeatures } from '@sublinear/attention'
import {
  askAll,
  folderStore,
  levelsOf,
  memoryStore,
  runInline,
  runOn,
  shardPlan,
  work,
  type ShardPlan,
} from '@sublinear/cluster'
import { bullmq } from '@sublinear/cluster/bullmq'
import { startWorkers } from '@sublinear/cluster/faults'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresAdapter, redisAdapter, type ServiceAdapter } from './adapter.ts'
import type { Server } from './servers.ts'

/**
 * Measures the numbers of the page *Scaling out*: `node src/measure.ts [rows of the long streams] [only one part]` writes results/measured.json. It
 * takes some eight minutes.
 */
const LONG = Number(process.argv[2] ?? 1e9)
const only = process.argv[3]
const results = new URL('../results/measured.json', import.meta.url)
const module = import.meta.resolve('@sublinear/cluster/faults').replace(/faults\.js$/, 'fault-rows.js')
const { rows: generate } = (await import(module)) as {
  rows: (first: number, count: number, options: { d: number }) => Iterable<object>
}
const folder = mkdtempSync(join(tmpdir(), 'measure-'))
const medianOf = (list: number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]

/** Milliseconds of CPU that this process and its threads spend on a task. */
async function cpuOf(use: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await use()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

const head = (d: number, degree = 2) => {
  const scale = 1 / Math.sqrt(d)
  const features = taylorFeatures({ d, degree, scale }).spec
  return { name: 'taylor', shape: { d, dv: d, scale }, options: { features } }
}
const featurePlan = (rows: number, rowsPerShard: number, d: number, fanIn = 8, salt = 0) =>
  shardPlan({ method: head(d), source: { module, rows, options: { d, salt } }, rowsPerShard, fanIn })

/** CPU of a job beyond what the same plan takes inline: coordinator, worker, locks and store count, the broker's own CPU does not. */
async function overhead({ name }: ServiceAdapter, server: Server): Promise<number> {
  const broker = bullmq({ connection: server.url })
  const found: number[] = []
  for (let i = 0; i < 3; i++) {
    const plan = await featurePlan(512 * 256, 512, 8, 8, 1 + i)
    const jobs = levelsOf(plan).reduce((sum, count) => sum + count, 0)
    const inline = await cpuOf(() => runInline(plan, { store: folderStore(join(folder, `inline-${name}-${i}`)) }))
    const stop = new AbortController()
    const store = folderStore(join(folder, `${name}-${i}`))
    const working = work(broker, { store, signal: stop.signal })
    const there = await cpuOf(() => runOn(broker, plan, { store }))
    stop.abort()
    await working
    found.push((there - inline) / jobs)
  }
  return medianOf(found)
}

/** Seconds of CPU that one thread or process has used, in the hundredths that Linux counts. */
function cpuSeconds(path: string): number {
  const fields = readFileSync(`/proc/${path}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** CPU seconds of a worker process: its main thread, which renews locks and talks to the broker, and all other threads, of which one computes. */
function workerCpu(pid: number): { main: number; threads: number } {
  const main = cpuSeconds(`${pid}/task/${pid}`)
  return { main, threads: cpuSeconds(String(pid)) - main }
}

interface Account {
  /** CPU seconds of the workers' main threads; `threads` has those of their computing threads, the garbage collector with them. */
  readonly main: number
  readonly threads: number
  readonly broker: number
  readonly coordinator: number
}

/** Seconds that a run takes on `count` worker processes that have already started, and the CPU that each part used in it. */
async function onWorkers(plan: ShardPlan, server: Server, count: number, name: string, seen?: (pid: number) => void) {
  const store = join(folder, name)
  const { worker } = redisAdapter
  const place = { module: worker!.module, options: { connection: server.url, queue: name }, store, isFar: false }
  const workers = startWorkers(Array.from({ length: count }, () => place))
  await new Promise((resolve) => setTimeout(resolve, 2500))
  const timer = setInterval(() => workers.pids().forEach((pid) => seen?.(pid)), 250)
  const account = () => {
    const each = workers.pids().map(workerCpu)
    const { user, system } = process.cpuUsage()
    return {
      main: each.reduce((sum, { main }) => sum + main, 0),
      threads: each.reduce((sum, { threads }) => sum + threads, 0),
      broker: cpuSeconds(String(server.pid)),
      coordinator: (user + system) / 1e6,
    }
  }
  const before = account()
  const began = performance.now()
  const { digest } = await runOn(bullmq({ connection: server.url, queue: name }), plan, {
    store: folderStore(store),
    lookMs: 250,
  })
  const seconds = (performance.now() - began) / 1000
  const after = account()
  clearInterval(timer)
  await workers.stop()
  const cpu: Account = {
    main: after.main - before.main,
    threads: after.threads - before.threads,
    broker: after.broker - before.broker,
    coordinator: after.coordinator - before.coordinator,
  }
  return { seconds, digest, cpu }
}

/** Seconds of one run with one worker, and of the same run with two. */
async function pair(server: Server, salt: number) {
  const plan = await featurePlan(16 * 2 ** 19, 2 ** 19, 32, 4, salt)
  const one = await onWorkers(plan, server, 1, `one-${salt}`)
  const two = await onWorkers(plan, server, 2, `two-${salt}`)
  if (one.digest !== two.digest) throw new Error('one and two workers differ')
  return { one, two }
}

async function speedUp(server: Server) {
  const pairs = []
  for (let i = 0; i < 3; i++) pairs.push(await pair(server, 10 + i))
  const ratios = pairs.map(({ one, two }) => one.seconds / two.seconds)
  return { ratios, median: medianOf(ratios), secondsOfOne: medianOf(pairs.map(({ one }) => one.seconds)) }
}

/**
 * CPU seconds of each part, which hardly change on a busy machine, and the greatest speed-up that they allow: one worker takes at least what its
 * threads compute, two at least half of all that
 * is computed on two cores.
 */
async function accounts(server: Server) {
  const { one, two } = await pair(server, 20)
  const all = Object.values(two.cpu).reduce((sum, part: number) => sum + part, 0)
  return { one: one.cpu, two: two.cpu, allowed: one.cpu.threads / (all / 2) }
}

const most = (list: number[]) => Math.round(Math.max(...list))

/** Most MiB that a worker process held in each quarter of the run, and in all. */
async function memory(plan: ShardPlan, server: Server, name: string) {
  const held: number[] = []
  const { seconds } = await onWorkers(plan, server, 1, name, (pid) => {
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    held.push(Number(rss) / 1024)
  })
  const { length } = held
  return {
    rows: plan.rows,
    seconds: Math.round(seconds),
    rowsPerSecond: Math.round(plan.rows / seconds),
    quarters: [0, 1, 2, 3].map((i) =>
      most(held.slice(Math.floor((i * length) / 4), Math.ceil(((i + 1) * length) / 4))),
    ),
    most: most(held),
  }
}

const apart = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((x, i) => x - b[i])) / Math.hypot(...b)

/** Distance of the tree's answers from those of one piece, and of both from exact attention, at 65,536 tokens of width 8. */
async function rounding() {
  const [rows, d] = [65_536, 8]
  const whole = [...generate(0, rows, { d })] as { keys: { data: Float32Array }; values: { data: Float32Array } }[]
  const joined = (of: 'keys' | 'values') => ({
    rows,
    cols: d,
    data: Float32Array.from(whole.flatMap((block) => [...block[of].data])),
  })
  const [keys, values] = [joined('keys'), joined('values')]
  const [{ keys: queries }] = [...generate(10 ** 9, 64, { d })] as { keys: typeof keys }[]
  const scale = 1 / Math.sqrt(d)
  const truth = exactAttention({ queries, keys, values, scale }).data
  const found: Record<string, object> = {}
  for (const [name, spec] of Object.entries({
    'taylor, degree 2': head(d),
    'taylor, degree 4': head(d, 4),
    closure: { name: 'closure', shape: { d, dv: d, scale } },
    exact: { name: 'exact', shape: { d, dv: d, scale } },
  })) {
    const make = (rowsPerShard: number) =>
      shardPlan({ method: spec, source: { module, rows, options: { d } }, rowsPerShard, fanIn: 8 })
    const store = memoryStore()
    const answers = async (rowsPerShard: number) =>
      normalise((await (await runInline(await make(rowsPerShard), { store })).open()).attend(queries)).data
    const [one, tree] = [await answers(rows), await answers(1024)]
    const asked = (await askAll(await make(1024), queries, { store })).answers.data
    found[name] = { tree: apart(tree, one), askAll: apart(asked, one), oneToExact: apart(one, truth) }
  }
  return found
}

const servers = [await redisAdapter.start(folder), await postgresAdapter.start(folder)]
try {
  const before = JSON.parse(readFileSync(results, 'utf8')) as object
  const measured: Record<string, unknown> = {
    ...(only !== undefined && before),
    script: 'node src/measure.ts',
  }
  const machine = `${cpus().length} x ${cpus()[0].model}, Node ${process.version}`
  const step = async (name: string, what: () => Promise<unknown>) => {
    if (only !== undefined && only !== name) return
    const before = loadavg()[0]
    measured[name] = { machine, load: before, ...((await what()) as object) }
    console.log(name, JSON.stringify(measured[name]))
    writeFileSync(results, `${JSON.stringify(measured, null, 2)}\n`)
  }
  await step('rounding', rounding)
  await step('overhead', async () => ({
    redis: await overhead(redisAdapter, servers[0]),
    postgres: await overhead(postgresAdapter, servers[1]),
  }))
  await step('speedUp', () => speedUp(servers[0]))
  await step('accounts', () => accounts(servers[0]))
  const sketch = { kind: 'countSketch', m: 4096, width: 4 } as const
  const source = { module, rows: LONG, options: { d: 4, kind: 'rows' } }
  await step('countSketch', async () =>
    memory(await shardPlan({ sketch, source, rowsPerShard: 2 ** 20, seed: 1 }), servers[0], 'sketch'),
  )
  await step('featureStream', async () => memory(await featurePlan(LONG, 2 ** 20, 4), servers[0], 'feature'))
} finally {
  for (const server of servers) await server.kill()
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)
