import { Bench } from 'tinybench'
import { median, spread, type Spread } from './statistics.ts'
import type { Group, Unit, Work } from './suite.ts'

/** Least CPU time of one sample: short calls are repeated until they fill it. */
const SAMPLE = 12 // ms
const WARM_UP = 100 // ms
const PER_MS = { ms: 1, µs: 1e3, ns: 1e6, MB: 1 }

export interface CaseResult extends Spread {
  readonly name: string
  /** Calls in one sample. */
  readonly calls: number
  /** 10⁹ floating-point operations a second, at the median. */
  readonly gigaflops?: number
  /** How many times faster this case is than another, by the other's name. */
  readonly ratios?: Readonly<Record<string, Spread>>
}

export interface GroupResult {
  readonly name: string
  readonly unit: string
  /** Rate that tables show: a name for what is counted a second, and how many of it a measured 1 would be. */
  readonly rate?: { readonly name: string; readonly one: number }
  readonly rounds: number
  readonly cases: readonly CaseResult[]
}

/** User and system time of all threads of this process, in milliseconds. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/**
 * Measures the cases of a group in turns: every round takes one sample of each, so that a busy or throttled machine slows all
 * of them alike, and ratios are formed within a round. tinybench times the samples on the CPU clock; a task is reset after each sample.
 */
export async function measureGroup({ name, unit, cases }: Group, rounds: number): Promise<GroupResult> {
  const bench = new Bench({ now: cpuTime, time: 0, iterations: 1, warmup: false, throws: true })
  const calls: number[] = []
  for (const { name, setup } of cases) {
    const work = await setup()
    const count = 'run' in work ? await fittingCalls(work.run) : 1
    calls.push(count)
    bench.add(name, sample(work, count), { async: true })
  }

  const samples: number[][] = cases.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, task] of bench.tasks.entries()) {
      task.reset()
      const { result } = await task.run()
      if (result.state !== 'completed') throw new Error(`${name}, ${task.name}: ${result.state}`)
      samples[index].push(result.latency.p50 / calls[index])
    }
  }

  return {
    name,
    unit: unit.of ? `${unit.name}/${unit.of}` : unit.name,
    ...(unit.rate && { rate: { name: `${unit.of}s/s`, one: 1000 * PER_MS[unit.name] } }),
    rounds,
    cases: cases.map(({ name, operations, against = [] }, index) => ({
      name,
      calls: calls[index],
      ...spread(samples[index].map((value) => inUnit(value, unit))),
      ...(operations !== undefined && { gigaflops: operations / (median(samples[index]) * 1e6) }),
      ...(against.length > 0 && {
        ratios: Object.fromEntries(
          against.map((other) => {
            const [label, of] = typeof other === 'string' ? [other, [other]] : [other.name, other.of]
            const places = of.map((one) => {
              const place = cases.findIndex(({ name }) => name === one)
              if (place < 0) throw new Error(`${name}: there is no case ${one}`)
              return place
            })
            const base = places.reduce((a, b) => (median(samples[b]) < median(samples[a]) ? b : a))
            const work = operations && cases[base].operations ? operations / cases[base].operations : 1
            return [label, spread(samples[index].map((value, round) => (work * samples[base][round]) / value))]
          }),
        ),
      }),
    })),
  }
}

/** One iteration of tinybench: makes `calls` calls, or hands over the duration that the work measured itself. */
function sample(work: Work, calls: number): () => unknown {
  if ('measure' in work) return async () => ({ overriddenDuration: await work.measure() })
  const { run } = work
  return async () => {
    for (let i = 0; i < calls; i++) {
      const pending = run()
      if (pending instanceof Promise) await pending
    }
  }
}

/** Warms up, then finds how many calls fill a sample. */
async function fittingCalls(run: () => unknown): Promise<number> {
  const timeOf = async (calls: number) => {
    const start = cpuTime()
    await sample({ run }, calls)()
    return cpuTime() - start
  }
  let calls = 1
  for (let spent = 0; ;) {
    const time = await timeOf(calls)
    spent += time
    if (time >= SAMPLE) {
      if (spent >= WARM_UP) return Math.max(1, Math.ceil((calls * SAMPLE) / time))
    } else calls *= 2
  }
}

function inUnit(milliseconds: number, { name, count = 1 }: Unit): number {
  return (milliseconds * PER_MS[name]) / count
}
