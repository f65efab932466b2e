import { runInNewContext } from 'node:vm'
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { simdMachine } from '../../../packages/kernels/src/module.ts'

/** Parts of the memory of a process, in bytes, after a collection of garbage. */
export interface Held {
  /** Objects, and code that V8 compiled, in the engine's own heap. */
  readonly objects: number
  readonly code: number
  /** Arrays outside the engine's heap. */
  readonly arrays: number
  /** Memory of the kernels: the pages that it has, and the bytes of it that streams hold. */
  readonly kernel: number
  readonly kernelUsed: number
  /** Memory that V8 itself took by malloc. */
  readonly engine: number
  /** Memory that the machine has given to the process; it contains all of the above that was ever touched. */
  readonly resident: number
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of the kernels' memory that are in use, counted from when this file is loaded. */
let used = 0
const { arena } = simdMachine()
const [take, give] = [arena.take.bind(arena), arena.give.bind(arena)]
arena.take = (bytes) => ((used += bytes), take(bytes))
arena.give = (offset, bytes) => ((used -= bytes), give(offset, bytes))

/** Measures after a full collection, once the memory of the objects that it found dropped has been given back. */
export async function held(): Promise<Held> {
  for (let i = 0; i < 2; i++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 5)) // finalizers run between tasks
  }
  const code = getHeapSpaceStatistics()
    .filter(({ space_name }) => space_name.startsWith('code') || space_name.startsWith('trusted'))
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0)
  const { heapUsed, external, rss } = process.memoryUsage()
  return {
    objects: heapUsed - code,
    code,
    arrays: external,
    kernel: arena.memory.buffer.byteLength,
    kernelUsed: used,
    engine: getHeapStatistics().malloced_memory,
    resident: rss,
  }
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length

/** Growth in MB an hour, by least squares over the times, which are in ms. */
export function slope(times: readonly number[], bytes: readonly number[]): number {
  if (times.length < 2) return 0
  const [at, held] = [mean(times), mean(bytes)]
  const above = mean(times.map((time, i) => (time - at) * (bytes[i] - held)))
  const below = mean(times.map((time) => (time - at) ** 2))
  return ((above / below) * 3_600_000) / 1e6
}
