import { layer, matrix, rowsOf, type AttentionStream, type Matrix, type Shape } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { h2o, window } from '@sublinear/kv-cache'
import { quantised } from '@sublinear/token-store'
import { cpuTime } from '../measure.ts'
import { normalMatrix } from '../random.ts'
import type { Group, Suite } from '../suite.ts'

const HEADS = 16
const D = 64
const HELD = 1024
const TOKENS = 32

export const suite: Suite = {
  name: 'layer',
  rounds: 15,
  groups: () => Object.entries(streams).map(([name, make]) => layerGroup(name, make)),
}

/** Exact streams hold 1024 tokens at first and grow alike in both cases. */
const streams: Readonly<Record<string, (shape: Shape) => AttentionStream>> = {
  exact: exactStream,
  [`window ${HELD}`]: window({ count: HELD }),
  [`window ${HELD} in 8/8 bits`]: window({ count: HELD, store: quantised({ keyBits: 8, valueBits: 8 }) }),
  [`h2o ${HELD}`]: h2o({ count: HELD }),
}

/** A token of all heads with its queries: once by a stream for each head, called in turns with rows of its own, and once by a layer of the same streams. */
function layerGroup(name: string, make: (shape: Shape) => AttentionStream): Group {
  const [queries, keys, values] = [1, 2, 3].map((seed) => normalMatrix(HELD, HEADS * D, seed))
  const shape = { d: D, dv: D, scale: 1 / Math.sqrt(D) }
  const ALONE = 'heads alone'
  return {
    name: `${HEADS} heads, single tokens, ${HELD} held, d = ${D}, ${name}`,
    unit: { name: 'µs', of: 'token', count: TOKENS },
    cases: [
      {
        name: ALONE,
        setup: () => {
          const heads = Array.from({ length: HEADS }, (_, h) => ({
            stream: make(shape),
            queries: columns(queries, h),
            keys: columns(keys, h),
            values: columns(values, h),
          }))
          for (const { stream, ...own } of heads) stream.step({ keys: own.keys, values: own.values }, own.queries)
          return steps((token) => {
            for (const { stream, ...own } of heads)
              stream.step({ keys: at(own.keys, token), values: at(own.values, token) }, at(own.queries, token))
          })
        },
      },
      {
        name: 'layer',
        against: [ALONE],
        setup: () => {
          const all = layer({ queryHeads: HEADS, kvHeads: HEADS, make: () => make(shape) })
          all.step({ keys, values }, queries)
          return steps((token) => all.step({ keys: at(keys, token), values: at(values, token) }, at(queries, token)))
        },
      },
    ],
  }
}

/** The row at an index, as a matrix. */
function at(all: Matrix, row: number): Matrix {
  return rowsOf(all, row, row + 1)
}

/** A measure that gives every sample the same number of tokens, so that growing streams are compared at the same length. */
function steps(step: (token: number) => void): { measure: () => number } {
  let next = 0
  const measure = () => {
    const start = cpuTime()
    for (let i = 0; i < TOKENS; i++, next = (next + 1) % HELD) step(next)
    return cpuTime() - start
  }
  for (let warm = 0; warm < 4; warm++) measure()
  return { measure }
}

/** The rows of one head, in an array of their own. */
function columns({ rows, cols, data }: Matrix, head: number): Matrix {
  const own = new Float32Array(rows * D)
  for (let r = 0; r < rows; r++) own.set(data.subarray(r * cols + head * D, r * cols + (head + 1) * D), r * D)
  return matrix(rows, D, own)
}
