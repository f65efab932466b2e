/**
 * `node evidence/random-programs/ask.ts [count [first seed]]`: random programs of push, step, merge, refusals and reopening over every
 * method, and over tiers and layers of random methods with parts that refuse and fail. Writes result.json; minutes.
 */
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { program } from './program.ts'

const COUNT = 10_000
const KEPT = 20

export interface Programs {
  readonly programs: number
  readonly firstSeed: number
  readonly calls: number
  readonly refusals: number
  readonly broken: number
  readonly reopened: number
  readonly merged: number
  readonly failures: number
  /** The first few, in words. */
  readonly failed: readonly string[]
  readonly kinds: Readonly<Record<string, number>>
  /** Programs in which each method stood. */
  readonly methods: Readonly<Record<string, number>>
}

/** Programs of the seeds from `first` on. */
export function programs(count: number, first = 0): Programs {
  const total = { calls: 0, refusals: 0, broken: 0, reopened: 0, merged: 0 }
  const [kinds, methods]: [Record<string, number>, Record<string, number>] = [{}, {}]
  const failed: string[] = []
  for (let seed = first; seed < first + count; seed++) {
    try {
      const run = program(seed)
      for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += run[name]
      kinds[run.kind] = (kinds[run.kind] ?? 0) + 1
      for (const name of new Set(run.methods)) methods[name] = (methods[name] ?? 0) + 1
    } catch (error) {
      failed.push((error as Error).message)
    }
  }
  return {
    programs: count,
    firstSeed: first,
    ...total,
    failures: failed.length,
    failed: failed.slice(0, KEPT),
    kinds,
    methods: Object.fromEntries(Object.entries(methods).toSorted()),
  }
}

if (pathToFileURL(process.argv[1] ?? '').href === import.meta.url) {
  const [count = COUNT, first = 0] = process.argv.slice(2).map(Number)
  const from = performance.now()
  const found = programs(count, first)
  const all = { ...found, seconds: Math.round((performance.now() - from) / 1000), node: process.version }
  if (count >= COUNT) writeFileSync(new URL('./result.json', import.meta.url), `${JSON.stringify(all, null, 1)}\n`)
  console.log(JSON.stringify(all, null, 1))
}
