/** A child process of `evidence`: takes jobs, one at a time, and sends back what they gave and what that took. */
import type { Done, Job } from './jobs.ts'
import { SETS } from './prompt-sets.ts'
import { calibratedLayer, recipesOf } from './recipes.ts'
import { runCell } from './run-cell.ts'

process.on('message', async (job: Job) => {
  const before = process.cpuUsage()
  const result = job.kind === 'cell' ? runCell(job.cell, recipesOf, { set: SETS[job.set] }) : await calibratedLayer(job)
  const { user, system } = process.cpuUsage(before)
  process.send!({ result, seconds: (user + system) / 1e6 } satisfies Done)
})
