/** `pnpm --filter @sublinear/bench run bench [suite …]`: measures, prints, and writes results/<suite>.json and the tables. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { cells, number } from './format.ts'
import { measureGroup, type GroupResult } from './measure.ts'
import { peakRate } from './peak.ts'
import { circumstances, load, writeResult } from './results.ts'
import { spread } from './statistics.ts'
import { suites } from './suites/index.ts'
import { updateTables } from './tables.ts'
import { judge } from './targets.ts'

const wanted = process.argv.slice(2).filter((word) => word !== '--')
const unknown = wanted.filter((name) => !Object.hasOwn(suites, name))
if (unknown.length > 0) {
  console.error(`bench: no suite ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`)
  process.exit(1)
}

if (wanted.length === 1) await measureSuite(wanted[0])
else for (const name of wanted.length > 0 ? wanted : Object.keys(suites)) inFreshProcess(name)

/** Runs a suite in a process of its own, so that none inherits another's heap and compiled code. */
function inFreshProcess(name: string): void {
  const { status } = spawnSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), name], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}

async function measureSuite(name: string): Promise<void> {
  const suite = await suites[name]()
  const missing = suite.missing?.()
  if (missing !== undefined) return console.log(`\n${name}: not measured, ${missing}`)
  const about = circumstances(name)
  console.log(`\n${name}: ${about.cpu}, Node ${about.node}, commit ${about.commit}, ${about.kernels} kernels`)
  const groups: GroupResult[] = []
  const peaks = [peakRate()]
  for (const group of suite.groups()) {
    const result = await measureGroup(group, suite.rounds)
    groups.push(result)
    peaks.push(peakRate())
    console.log(`\n  ${result.name}`)
    for (const one of result.cases) {
      const [median, quartiles, rate, ratios] = cells(one, result)
      console.log(`    ${one.name.padEnd(36)} ${median.padEnd(16)} ${quartiles.padEnd(16)} ${rate.padEnd(9)} ${ratios}`)
    }
    writeResult({ ...about, peak: spread(peaks), targets: [], groups }) // what is measured stays when a run is cut
    globalThis.gc?.()
  }
  const targets = judge(name, groups)
  const peak = spread(peaks)
  console.log(
    `\n  register peak between groups: ${number(peak.median)} GF (${number(peak.p25)} … ${number(peak.p75)})\n`,
  )
  for (const { claim, bound, measured, verdict } of targets) {
    console.log(`  ${verdict}  ${claim}: ${number(measured)} (${bound})`)
  }
  writeResult({ ...about, load: load(), peak, targets, groups })
  updateTables()
}
