import { parentPort, workerData } from 'node:worker_threads'
import './sources.ts'
import { countAllocations } from './allocations.ts'
import type { Attempt, Outcome } from './campaign.ts'
import { randomOf } from './random.ts'

/** Attempts to make, given by the campaign, its unit and indices. */
export interface Order {
  readonly campaign: string
  readonly unit: string
  readonly seed: number
  readonly from: number
  readonly to: number
}
/** Results of an order. */
export interface Report {
  readonly outcomes: Record<string, number>
  readonly findings: readonly Found[]
  readonly cpu: number
}
export interface Found extends Outcome {
  readonly unit: string
  readonly index: number
}

/** Findings of each sort that a report keeps. */
const KEPT = 3
const allocations = countAllocations()
const { campaignsWith } = await import('./campaigns.ts')
const campaigns = await campaignsWith(allocations)
/** Shared cells: the index that is being tried, and whether one is. */
const beat = new Int32Array((workerData as { shared: SharedArrayBuffer }).shared)
const begun = new Map<string, Attempt>()

parentPort?.on('message', async (order: Order) => {
  const { campaign, unit, seed, from, to } = order
  const name = `${campaign}: ${unit}`
  let attempt = begun.get(name)
  if (!attempt) begun.set(name, (attempt = await campaigns.find((one) => one.name === campaign)!.begin(unit)))
  const start = process.cpuUsage()
  const outcomes: Record<string, number> = {}
  const findings: Found[] = []
  const kept = new Map<string, number>()
  for (let index = from; index < to; index++) {
    Atomics.store(beat, 0, index)
    Atomics.store(beat, 1, 1)
    let one: Outcome
    try {
      one = await attempt(randomOf(`${seed}/${name}/${index}`), index)
    } catch (error) {
      one = {
        outcome: 'broken',
        finding: 'the campaign itself failed',
        detail: String((error as Error).stack).slice(0, 600),
      }
    }
    outcomes[one.outcome] = (outcomes[one.outcome] ?? 0) + 1
    if (one.finding === undefined) continue
    const sort = one.finding
    outcomes[`finding: ${sort}`] = (outcomes[`finding: ${sort}`] ?? 0) + 1
    kept.set(sort, (kept.get(sort) ?? 0) + 1)
    if (kept.get(sort)! <= KEPT) findings.push({ ...one, unit, index })
  }
  Atomics.store(beat, 1, 0)
  const { user, system } = process.cpuUsage(start)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of threads
  parentPort!.postMessage({ outcomes, findings, cpu: (user + system) / 1e6 } satisfies Report)
})
