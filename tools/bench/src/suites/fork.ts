import { catalogue } from '@sublinear/attention'
import { rowsOf, type AttentionStream, type Matrix } from '@sublinear/core'
import { cpuTime } from '../measure.ts'
import { normalMatrix } from '../random.ts'
import type { Group, Suite } from '../suite.ts'

const D = 64
const TOKENS = 2048
const BLOCK = 64
/** CPU time that a measurement fills at least, in ms. */
const LEAST = 4

export const suite: Suite = {
  name: 'fork',
  rounds: 15,
  groups: () =>
    Object.entries(METHODS).flatMap(([kibibytes, names]) =>
      names.map((name) => forkGroup(name, Number(kibibytes) * 1024)),
    ),
}

/** Methods that are forked, by KiB of their budget. */
const METHODS = {
  16: ['window', 'h2o', 'farKeys', 'auto'],
  256: ['window', 'h2o', 'clusters', 'farClosure', 'taylor', 'entropyCoded', 'mergeReduce', 'auto'],
  2048: ['exact', 'window', 'h2o', 'clusters'],
}
const ALLOWED = '1.5 copies of its bytes and 20 µs'

/** A stream within so many bytes that has taken 2048 tokens: a fork, given back at once, beside what it may cost. */
function forkGroup(name: string, budget: number): Group {
  const stream = streamOf(name, budget)
  const from = new Uint8Array(stream.bytes).fill(1)
  return {
    name: `fork in ${budget / 1024} KiB, ${name}, ${TOKENS} tokens, d = ${D}`,
    unit: { name: 'µs', of: 'fork' },
    cases: [
      {
        name: ALLOWED,
        setup: () => ({ measure: () => 1.5 * timeOf(() => new Uint8Array(from.length).set(from)) + 0.02 }),
      },
      {
        name: 'fork',
        against: [ALLOWED],
        setup: () => ({ measure: () => timeOf(() => (stream.fork() as Partial<Disposable>)[Symbol.dispose]?.()) }),
      },
    ],
  }
}

function streamOf(name: string, budget: number): AttentionStream {
  const method = catalogue.find((one) => one.name === name)!
  const shape = { d: D, dv: D, scale: 1 / Math.sqrt(D) }
  const stream = method.make(shape, method.within(shape, budget, { tokens: TOKENS })!)
  const [queries, keys, values] = [1, 2, 3].map((seed) => normalMatrix(TOKENS, D, seed))
  const at = (all: Matrix, from: number) => rowsOf(all, from, from + BLOCK)
  for (let from = 0; from < TOKENS; from += BLOCK)
    stream.step({ keys: at(keys, from), values: at(values, from) }, at(queries, from))
  return stream
}

/** CPU milliseconds of a call, over as many as fill the least time. */
function timeOf(call: () => unknown): number {
  for (let calls = 1; ; calls *= 2) {
    const start = cpuTime()
    for (let i = 0; i < calls; i++) call()
    const spent = cpuTime() - start
    if (spent >= LEAST) return spent / calls
  }
}
