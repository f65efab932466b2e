import { layer, rowsOf, type Matrix, type Shape } from '@sublinear/core'
import { h2o, window } from '@sublinear/kv-cache'
import { startThreads } from '@sublinear/threads/node'
import { quantised } from '@sublinear/token-store'
import { normalMatrix } from '../random.ts'
import type { Group, Suite } from '../suite.ts'

const HEADS = 16
const D = 64
const TOKENS = 32
const WORKERS = 2

/** The suite of threads. It takes time by the clock and not of the CPU, and is the one suite that needs a machine with two idle cores. */
export const suite: Suite = {
  name: 'threads',
  rounds: 15,
  groups: () => [
    ...[256, 1024, 4096].map((held) => spreadGroup(`window ${held}`, held, window({ count: held }))),
    spreadGroup(
      'window 4096 in 8/8 bits',
      4096,
      window({ count: 4096, store: quantised({ keyBits: 8, valueBits: 8 }) }),
    ),
    spreadGroup('h2o 1024', 1024, h2o({ count: 1024 })),
  ],
}

/** Single tokens of all heads, in one thread and spread over two threads. */
function spreadGroup(name: string, held: number, spec: (shape: Shape) => ReturnType<ReturnType<typeof window>>): Group {
  const [queries, keys, values] = [1, 2, 3].map((seed) => normalMatrix(held, HEADS * D, seed))
  const shape = { d: D, dv: D, scale: 1 / Math.sqrt(D) }
  const options = { queryHeads: HEADS, kvHeads: HEADS, make: () => spec(shape) }
  const ONE = 'one thread'
  const steps = (all: Pick<ReturnType<typeof layer>, 'push' | 'step'>) => {
    all.push({ keys, values })
    let next = 0
    const run = () => {
      for (let i = 0; i < TOKENS; i++, next = (next + 1) % held)
        all.step({ keys: at(keys, next), values: at(values, next) }, at(queries, next))
    }
    let isWarm = false
    const measure = () => {
      for (let warm = isWarm ? 40 : 0; warm < 40; warm++) run() // threads compile what they run, and that takes some hundred steps
      isWarm = true
      const start = performance.now()
      run()
      return performance.now() - start
    }
    return { measure }
  }
  return {
    name: `${HEADS} heads, single tokens, d = ${D}, ${name}`,
    unit: { name: 'µs', of: 'token', count: TOKENS },
    cases: [
      { name: ONE, setup: () => steps(layer(options)) },
      {
        name: `${WORKERS} threads`,
        against: [ONE],
        setup: async () => steps((await startThreads({ workers: WORKERS })).layer(options)),
      },
    ],
  }
}

/** The row at an index, as a matrix. */
function at(all: Matrix, row: number): Matrix {
  return rowsOf(all, row, row + 1)
}
