/**
 * `node evidence/random-programs/ask.ts [count [first seed]]`: random programs of push, step, merge, refusals and reopening over every
 * method, and over tiers and layers of random methods with parts that refuse and fail. Minutes.
 */
import { main, type Experiment } from '../kit/experiment.ts'
import { markdownTable } from '../kit/markdown.ts'
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

export const randomPrograms: Experiment<Programs & { readonly seconds: number; readonly node: string }> = {
  name: 'random-programs',
  question: 'Does any program of push, step, merge, refusals and reopening break a method, tiers or a layer?',
  inALine: ({ programs, calls, failures }) => `${failures} of ${programs} programs failed, in ${calls} calls`,
  asks: 'Random programs of push, step, merge, refusals and reopening run over every method, and over tiers and layers of random methods with parts that refuse and fail. Does any program give another answer than the same tokens in one piece, and does a refusal ever change anything?',
  run([count = String(COUNT), first = '0']) {
    const from = performance.now()
    const found = programs(Number(count), Number(first))
    return { ...found, seconds: Math.round((performance.now() - from) / 1000), node: process.version }
  },
  file: (args) => (args.length > 0 ? undefined : 'result.json'),
  answer: (found) =>
    [
      `${found.failures} of ${found.programs} programs failed: ${found.calls} calls, ${found.refusals} of them refused, ${found.reopened} streams opened again from their bytes, ` +
        `${found.merged} merged, ${found.broken} broken by a part that failed. ${found.seconds} seconds, Node ${found.node}.`,
      '',
      markdownTable(['method', 'programs'], Object.entries(found.methods)),
    ].join('\n'),
}

await main(import.meta.url, randomPrograms)
