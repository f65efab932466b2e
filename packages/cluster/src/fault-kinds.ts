import type { StrayResult } from './fault-adapter'
import { TRIAL_ROWS, type Trial } from './fault-trial'
import { isAlive, stateOf, wait } from './process-state'
import { rootOf } from './tree'

/** Milliseconds longer than the locks of an adapter under trial. */
const PAST_LOCKS_MS = 1800
/** Milliseconds after which a cut line is joined at the latest. */
const MOST_CUT_MS = 15_000

/** A fault that landed. */
export interface Landed {
  readonly fault: string
  readonly detail: string
  /** Checks at the end of the run that what must follow has followed. @throws Error where it has not */
  verify?(): void
}

const has = (trial: Trial, node: string) => trial.store.has(`${trial.key}/${node}`)

/** A shard that a worker process is in, and that process. */
async function shardUnderWay(trial: Trial, test: (pid: number) => boolean = () => true) {
  const event = await trial.next(
    (one) =>
      one.type === 'rows' &&
      one.rows < TRIAL_ROWS &&
      one.worker !== undefined &&
      trial.workers.pids().includes(one.worker) &&
      test(one.worker),
  )
  return event?.type === 'rows' && event.worker !== undefined ? { node: event.node, pid: event.worker } : undefined
}

/** Kills a worker (SIGKILL) inside a shard, and checks at the end that another process began this shard again. Undefined where the shard ended first. */
export async function killInShard(trial: Trial): Promise<Landed | undefined> {
  const found = await shardUnderWay(trial)
  if (!found) return undefined
  const { node, pid } = found
  trial.workers.signal(pid, 'SIGKILL')
  while (isAlive(pid)) await wait(2)
  if (await has(trial, node)) return undefined
  const from = trial.events.length
  return {
    fault: 'worker killed in a shard',
    detail: `${node} of ${pid}`,
    verify() {
      const again = trial.events.slice(from).find((one) => one.type === 'rows' && one.node === node)
      if (again?.type !== 'rows' || again.worker === pid)
        throw new Error(`shard ${node} was not begun again after ${pid} was killed in it`)
    },
  }
}

/** Stops a worker inside a shard until another has begun it, then lets it go on, so that it finishes late. */
export async function stopInShard(trial: Trial): Promise<Landed | undefined> {
  const found = await shardUnderWay(trial)
  if (!found) return undefined
  const { node, pid } = found
  trial.workers.signal(pid, 'SIGSTOP')
  await wait(5)
  if (stateOf(pid) !== 'T' || (await has(trial, node))) {
    trial.workers.signal(pid, 'SIGCONT')
    return undefined
  }
  const again = await trial.next((one) => one.type === 'rows' && one.node === node && one.worker !== pid)
  trial.workers.signal(pid, 'SIGCONT')
  if (!again) throw new Error(`shard ${node} was not begun again while ${pid} was stopped`)
  return { fault: 'worker stopped past its lock', detail: node }
}

/** Delivers a task again although its artifact is there. */
export async function deliverTwice(trial: Trial): Promise<Landed | undefined> {
  const event = await trial.next((one) => one.type === 'node')
  if (event?.type !== 'node') return undefined
  const over = await trial.stray.deliver({ key: trial.key, node: event.node, blockRows: 512 })
  const said = await answerOf(trial, over)
  if (!said) return undefined
  if (said.result?.state !== 'present') throw new Error(`a task delivered twice ended as ${JSON.stringify(said)}`)
  return { fault: 'task delivered twice', detail: event.node }
}

/**
 * Delivers a merge before the artifacts below it are there. It must fail, be tried again, and change nothing in the end. Undefined where it came too late.
 */
export async function deliverEarly(trial: Trial, id: string = rootOf(trial.plan).id): Promise<Landed | undefined> {
  const over = await trial.stray.deliver({ key: trial.key, node: id, blockRows: 512 })
  const said = await answerOf(trial, over)
  if (!said) return undefined
  if (said.state !== 'done') throw new Error(`a task delivered early ended as ${JSON.stringify(said)}`)
  return said.attempts > 1
    ? { fault: 'task delivered too early', detail: `${id}, ${said.attempts} attempts` }
    : undefined
}

/** Kills the broker with all that belongs to it, and starts it again. */
export async function killBroker({ server }: Trial): Promise<Landed | undefined> {
  if (!server.kill || !server.start) return undefined
  const { pid } = server
  await server.kill()
  if (pid !== undefined && isAlive(pid)) throw new Error('the broker lives on')
  await wait(300)
  await server.start()
  return { fault: 'broker killed and started again', detail: pid === undefined ? '' : `${pid} to ${server.pid}` }
}

/** Stops the broker for longer than every lock. */
export async function pauseBroker({ server }: Trial): Promise<Landed | undefined> {
  const { pid } = server
  if (!server.pause || !server.resume || pid === undefined) return undefined
  server.pause()
  await wait(20)
  const state = stateOf(pid)
  await wait(PAST_LOCKS_MS)
  server.resume()
  if (state !== 'T') throw new Error(`the broker was to be stopped, its state was ${state}`)
  return { fault: 'broker stopped past the locks', detail: `${PAST_LOCKS_MS} ms` }
}

/**
 * Cuts the line of a worker that is inside a shard, for longer than every lock, and until a worker on this side has reported that shard to the broker, which the
 * worker behind the line cannot. Then joins the line: what the other worker reports late must change nothing. Undefined where nobody reported it within 15 seconds.
 */
export async function cutNetwork(trial: Trial): Promise<Landed | undefined> {
  const { line, workers } = trial
  const found = line && (await shardUnderWay(trial, (pid) => workers.isFar(pid)))
  if (!found) return undefined
  const { node } = found
  line.cut()
  if (await has(trial, node)) {
    line.join() // it ended first: its report may have passed before the cut
    return undefined
  }
  const said = trial.next((one) => one.type === 'node' && one.node === node)
  const [told] = await Promise.all([Promise.race([said, wait(MOST_CUT_MS)]), wait(PAST_LOCKS_MS)])
  const proof = line.join()
  return !told || proof === undefined ? undefined : { fault: line.fault, detail: `${node}: ${proof}` }
}

async function answerOf(trial: Trial, over: () => Promise<StrayResult | undefined>): Promise<StrayResult | undefined> {
  for (let waited = 0; waited < 90_000; waited += 100) {
    const said = await over().catch(() => undefined)
    if (said !== undefined) return said
    await wait(100)
    if (trial.isOver()) waited += 1900
  }
  return undefined
}
