import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { kernels } from '@sublinear/kernels'
import type { GroupResult } from './measure.ts'
import type { Spread } from './statistics.ts'
import type { Verdict } from './targets.ts'

/** One committed file results/<suite>.json. */
export interface SuiteResult {
  readonly suite: string
  readonly command: string
  readonly date: string
  /** Commit of the sources measured; + where the checkout had changes. */
  readonly commit: string
  readonly node: string
  readonly cpu: string
  /** Processes that wanted to run, on average over the minute before the end. */
  readonly load?: number
  /** Kernels that answered. */
  readonly kernels: 'simd' | 'scalar'
  /** Register peak in 10⁹ operations a second, taken between groups: low or wide on a disturbed machine. */
  readonly peak: Spread
  readonly targets: readonly Verdict[]
  readonly groups: readonly GroupResult[]
}

const pathOf = (suite: string) => fileURLToPath(new URL(`../results/${suite}.json`, import.meta.url))

/** The circumstances of a run: machine, versions, commit and time. */
export function circumstances(suite: string): Omit<SuiteResult, 'load' | 'peak' | 'targets' | 'groups'> {
  return {
    suite,
    command: `pnpm --filter @sublinear/bench run bench ${suite}`,
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    node: process.version,
    cpu: cpuName(),
    kernels: kernels().name,
  }
}

export function writeResult(result: SuiteResult): void {
  mkdirSync(new URL('../results', import.meta.url), { recursive: true })
  writeFileSync(pathOf(result.suite), `${JSON.stringify(result, rounded, 2)}\n`)
}

export function readResult(suite: string): SuiteResult | undefined {
  const path = pathOf(suite)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

/** The machine's load over the last minute, with one digit after the point. */
export function load(): number {
  return Math.round(10 * loadavg()[0]) / 10
}

/** The processor's model and, where Linux tells them, its family and vector width: peers in native code are as fast as these allow. */
function cpuName(): string {
  const own = `${cpus()[0]?.model ?? 'unknown'} (${process.arch}, ${cpus().length} cores`
  if (!existsSync('/proc/cpuinfo')) return `${own})`
  const text = readFileSync('/proc/cpuinfo', 'utf8')
  const field = (name: string) => text.match(new RegExp(`^${name}\\s*: (.*)$`, 'm'))?.[1]
  const [family, model, flags = ''] = [field('cpu family'), field('model'), field('flags')]
  const width = flags.includes('avx512f') ? ', AVX-512' : flags.includes('avx2') ? ', AVX2' : ''
  return `${own}${family === undefined ? '' : `, family ${family} model ${model}`}${width})`
}

function commit(): string {
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', ':/packages', ':/apps') ? '+' : '')
  } catch {
    return 'unknown'
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}

/** Rounds a number to four digits: more would be noise. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
