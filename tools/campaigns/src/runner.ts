import { Worker } from 'node:worker_threads'
import type { Campaign } from './campaign.ts'
import type { Found, Order, Report } from './worker.ts'

/** Attempts that a worker is sent at once: few enough that progress shows, and that little is lost with one that hangs. */
const BATCH = 500

/** A thread hangs when it has taken its patience in CPU time; or, where it only waits, so many times that by the clock: on a busy machine a second may bring little. */
const WAITING = 15

/** CPU seconds of this process: of the thread that makes attempts, since the others wait for it. */
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Sums of a campaign. */
export interface Sum {
  tried: number
  readonly outcomes: Record<string, number>
  readonly findings: Found[]
  cpu: number
}

/** A thread that makes attempts; it is replaced where one hangs or dies. */
export function crew() {
  let worker: Worker | undefined
  let beat = new Int32Array(new SharedArrayBuffer(8))
  const fresh = () => {
    beat = new Int32Array(new SharedArrayBuffer(8))
    worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { shared: beat.buffer },
      resourceLimits: { maxOldGenerationSizeMb: 2048 },
    })
    return worker
  }

  /** Makes the attempts of an order; resolves to the index at which it hung or died, if it did. */
  const make = (order: Order, patience: number) =>
    new Promise<Report | { readonly lost: number; readonly why: string }>((resolve) => {
      const now = worker ?? fresh()
      let [last, since, spent] = [-1, Date.now(), cpuSeconds()]
      const end = (result: Report | { lost: number; why: string }) => {
        clearInterval(watch)
        now.off('message', end).off('error', died)
        if ('lost' in result) {
          worker = undefined
          void now.terminate()
        }
        resolve(result)
      }
      const watch = setInterval(() => {
        const at = Atomics.load(beat, 0)
        if (Atomics.load(beat, 1) === 0 || at !== last) [last, since, spent] = [at, Date.now(), cpuSeconds()]
        else if (cpuSeconds() - spent > patience || Date.now() - since > WAITING * patience * 1000)
          end({ lost: at, why: `hangs for more than ${patience} s` })
      }, 200)
      const died = (error: Error) =>
        end({ lost: Math.max(order.from, Atomics.load(beat, 0)), why: `the thread died: ${error.message}` })
      now.on('message', end).on('error', died)
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of threads
      now.postMessage(order)
    })

  return {
    /** Makes the attempts `from` … `to` − 1 of a unit and adds them to a sum. */
    async run({ name, patience }: Campaign, order: Omit<Order, 'campaign'>, into: Sum): Promise<void> {
      for (let from = order.from; from < order.to;) {
        const to = Math.min(order.to, from + BATCH)
        const result = await make({ ...order, campaign: name, from, to }, patience)
        if ('lost' in result) {
          const { lost, why } = result
          into.findings.push({
            outcome: 'lost',
            finding: why.replace(/: .*/, ''),
            detail: why,
            unit: order.unit,
            index: lost,
          })
          into.outcomes['finding: lost'] = (into.outcomes['finding: lost'] ?? 0) + 1
          into.tried += lost + 1 - from
          from = lost + 1
          continue
        }
        for (const [outcome, count] of Object.entries(result.outcomes))
          into.outcomes[outcome] = (into.outcomes[outcome] ?? 0) + count
        into.findings.push(...result.findings)
        into.cpu += result.cpu
        into.tried += to - from
        from = to
      }
    },
    end: () => worker?.terminate(),
  }
}
