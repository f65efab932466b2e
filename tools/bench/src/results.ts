import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
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
  /** Kernels that answered. */
  readonly kernels: 'simd' | 'scalar'
  /** Register peak in 10⁹ operations a second, taken between groups: low or wide on a disturbed machine. */
  readonly peak: Spread
  readonly targets: readonly Verdict[]
  readonly groups: readonly GroupResult[]
}

const pathOf = (suite: string) => fileURLToPath(new URL(`../results/${suite}.json`, import.meta.url))

/** The circumstances of a run. */
export function circumstances(suite: string): Omit<SuiteResult, 'peak' | 'targets' | 'groups'> {
  return {
    suite,
    command: `pnpm --filter @sublinear/bench run bench ${suite}`,
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    node: process.version,
    cpu: `${cpus()[0]?.model ?? 'unknown'} (${process.arch}, ${cpus().length} cores)`,
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

/** Four digits: more would be noise. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
