import { catalogue } from '@sublinear/attention'
import { rowsOf, type AttentionStream, type Matrix, type Shape } from '@sublinear/core'
import { autoStream, h2o, snapKv, tova, window } from '@sublinear/kv-cache'
import { exactAttention } from '@sublinear/exact-attention'
import { quantised, type TokenStore } from '@sublinear/token-store'
import { cpuTime } from '../measure.ts'
import { normalMatrix } from '../random.ts'
import { timed, type Group, type Suite } from '../suite.ts'

const HELD = 4096
const HEADS = 16
const BLOCK = 512
const LONG = 65_536
const EXACT = `exact attention, n = ${LONG}`

export const suite: Suite = {
  name: 'coded-tokens',
  rounds: 15,
  groups: () => [
    queryGroup(64, 1),
    queryGroup(128, 1),
    queryGroup(64, HEADS),
    queryGroup(128, HEADS),
    policyGroup(64, 1024),
    policyGroup(64, 4096),
    autoGroup(32),
  ],
}

const FLOAT = 'window, float32'
const stores: Readonly<Record<string, TokenStore | undefined>> = {
  [FLOAT]: undefined,
  ...Object.fromEntries(
    [
      [8, 8],
      [8, 6],
      [6, 4],
      [5, 3],
      [4, 4],
      [2, 2],
    ].map(([keyBits, valueBits]) => [`window, ${keyBits}/${valueBits} bits`, quantised({ keyBits, valueBits })]),
  ),
}

function tokensOf(n: number, d: number) {
  const [queries, keys, values] = [1, 2, 3].map((seed) => normalMatrix(n, d, seed)) as [Matrix, Matrix, Matrix]
  const at = (from: number, to: number) => ({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) })
  return { queries, keys, values, at, shape: { d, dv: d, scale: 1 / Math.sqrt(d) } }
}

/** One query over the tokens held: of one head again and again, or of several heads in turns, whose tokens do not stay in the near cache. */
function queryGroup(d: number, heads: number): Group {
  const { queries, keys, values, shape } = tokensOf(HELD, d)
  return {
    name: `one query, ${HELD} tokens held, ${heads === 1 ? 'one head' : `${heads} heads in turns`}, d = ${d}`,
    unit: { name: 'µs', of: 'query' },
    cases: Object.entries(stores).map(([name, store]) => ({
      name,
      against: name === FLOAT ? [] : [FLOAT],
      setup: () => {
        const all = Array.from({ length: heads }, () => {
          const stream = window({ count: HELD, ...(store && { store }) })(shape)
          stream.push({ keys, values })
          return stream
        })
        let turn = 0
        return {
          run: () => {
            turn = (turn + 1) % heads
            return all[turn].attend(rowsOf(queries, turn, turn + 1))
          },
        }
      },
    })),
  }
}

/** Steps of one token and its query, by policies that learn from queries, beside one that does not. */
function policyGroup(d: number, count: number): Group {
  const { queries, at, shape } = tokensOf(HELD, d)
  const PLAIN = 'window'
  const policies: Readonly<Record<string, (shape: Shape) => AttentionStream>> = {
    [PLAIN]: window({ count }),
    h2o: h2o({ count }),
    tova: tova({ count }),
    snapKv: snapKv({ count }),
  }
  return {
    name: `policies, single tokens, ${count} held, d = ${d}`,
    unit: { name: 'µs', of: 'token', count: 64 },
    cases: Object.entries(policies).map(([name, make]) => ({
      name,
      against: name === PLAIN ? [] : [PLAIN],
      setup: () => {
        const stream = make(shape)
        for (let from = 0; from < count + 64; from += 64) {
          const here = from % HELD
          stream.step(at(here, here + 64), rowsOf(queries, here, here + 64))
        }
        let next = 0
        return {
          run: () => {
            for (let i = 0; i < 64; i++, next = (next + 1) % HELD)
              stream.step(at(next, next + 1), rowsOf(queries, next, next + 1))
          },
        }
      },
    })),
  }
}

/**
 * autoStream in a small budget, beside exact attention over a text of 65,536 tokens, timed on its four blocks at 1/8, 3/8, 5/8 and 7/8: their mean is
 * that of all blocks.
 */
function autoGroup(d: number): Group {
  const { queries, at, shape } = tokensOf(HELD, d)
  const PLAIN = 'window 256'
  const stepping = (stream: AttentionStream) => {
    for (let from = 0; from < HELD; from += BLOCK)
      stream.step(at(from, from + BLOCK), rowsOf(queries, from, from + BLOCK))
  }
  const long = tokensOf(LONG, d)
  const starts = [1, 3, 5, 7].map((eighths) => (LONG * eighths) / 8)
  const plain = window({ count: 256 })(shape)
  const auto = autoStream({ ...shape, budgetBytes: 65_536, tokens: Infinity }, catalogue)
  return {
    name: `autoStream in 64 KiB, blocks of ${BLOCK}, d = ${d}`,
    unit: { name: 'µs', of: 'token', count: HELD },
    cases: [
      timed(PLAIN, () => stepping(plain)),
      {
        name: EXACT,
        setup: () => ({
          measure: () => {
            const start = cpuTime()
            for (const at of starts) {
              const { keys, values } = long.at(0, at)
              exactAttention({ queries: rowsOf(long.queries, at, at + BLOCK), keys, values, scale: shape.scale })
            }
            return ((cpuTime() - start) * HELD) / (starts.length * BLOCK)
          },
        }),
      },
      timed('autoStream', () => stepping(auto), [PLAIN, EXACT]),
    ],
  }
}
