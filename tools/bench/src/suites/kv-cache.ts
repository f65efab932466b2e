import { emptyPartial, rowsOf, type AttentionStream, type Matrix, type Shape } from '@sublinear/core'
import { exactAttention, exactStream } from '@sublinear/exact-attention'
import {
  clusters,
  farKeys,
  h2o,
  pyramidKv,
  reservoir,
  sinks,
  snapKv,
  streamingLlm,
  tiers,
  tova,
  window,
  type TokenTier,
} from '@sublinear/kv-cache'
import { closureStream } from '@sublinear/streaming-attention'
import { float32, heldTokens, quantised } from '@sublinear/token-store'
import { normalMatrix } from '../random.ts'
import { timed, type Group, type Suite } from '../suite.ts'
import { throughputGroup } from '../throughput.ts'

const N = 4096
const BLOCK = 512

export const suite: Suite = {
  name: 'kv-cache',
  rounds: 9,
  groups: () => [
    causalGroup(32),
    causalGroup(64),
    tokenGroup(32),
    upkeepGroup(32),
    storeGroup(32, 64),
    storeGroup(32, 1),
    policyGroup(32, BLOCK, N),
    policyGroup(32, 1, 1024),
    throughputGroup(64, 64, every),
  ],
}

/** Streams that are compared: 1/16 of 4096 tokens in the window, and as many far keys. */
const streams: Readonly<Record<string, (shape: Shape) => AttentionStream & Disposable>> = {
  '4 sinks + window 252': (shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 252 })] }),
  '256 far keys + closure': (shape) => tiers({ ...shape, parts: [farKeys({ count: 256 }), closureStream] }),
  closure: closureStream,
  '4 closures': (shape) => closureStream({ ...shape, clusters: 4 }),
}

/** Policies, each alone with as many tokens as the window. */
const policies: Readonly<Record<string, (shape: Shape) => TokenTier>> = {
  'window 256': window({ count: 256 }),
  'streamingLlm 256': streamingLlm({ count: 256 }),
  '256 far keys': farKeys({ count: 256 }),
  'h2o 256': h2o({ count: 256 }),
  'tova 256': tova({ count: 256 }),
  'snapKv 256': snapKv({ count: 256 }),
  'reservoir 256': reservoir({ count: 256, seed: 1 }),
  '256 clusters': clusters({ count: 256 }),
}

const every: Readonly<Record<string, (shape: Shape) => TokenTier>> = {
  'sinks 256': sinks({ count: 256 }),
  ...policies,
  'pyramidKv 256, the middle layer of 3': pyramidKv({ layers: 3, layer: 1, count: 256 }),
  'window 256, 5/3 bits': window({ count: 256, store: quantised({ keyBits: 5, valueBits: 3 }) }),
  '256 far keys, 5/3 bits': farKeys({ count: 256, store: quantised({ keyBits: 5, valueBits: 3 }) }),
}

function tokensOf(n: number, d: number) {
  const [queries, keys, values] = [1, 2, 3].map((seed) => normalMatrix(n, d, seed)) as [Matrix, Matrix, Matrix]
  return { queries, keys, values, shape: { d, dv: d, scale: 1 / Math.sqrt(d) } }
}

function causalGroup(d: number): Group {
  const { queries, keys, values, shape } = tokensOf(N, d)
  const EXACT = 'exactAttention, causal'
  const stepThrough = (stream: AttentionStream & Disposable) => {
    for (let from = 0; from < N; from += BLOCK) {
      const to = from + BLOCK
      stream.step({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) }, rowsOf(queries, from, to))
    }
    stream[Symbol.dispose]()
  }
  return {
    name: `causal, blocks of ${BLOCK}, n = ${N}, d = ${d}`,
    unit: { name: 'µs', of: 'token', count: N },
    cases: [
      timed(EXACT, () => exactAttention({ queries, keys, values, scale: shape.scale, causal: true })),
      ...Object.entries(streams).map(([name, make]) => timed(name, () => stepThrough(make(shape)), [EXACT])),
    ],
  }
}

/** Steps of one token, whose query is answered at once, by streams that have seen 4096; beside them attention alone over as many held tokens. */
function tokenGroup(d: number): Group {
  const { queries, keys, values, shape } = tokensOf(N, d)
  const one = { keys: rowsOf(keys, 0, 1), values: rowsOf(values, 0, 1) }
  const query = rowsOf(queries, 0, 1)
  const held = heldTokens({ ...shape, most: 320 })
  held.write({ keys, values }, 0, 320, 0)
  const exact = exactStream(shape)
  exact.push({ keys, values })
  const [HELD, ALL] = ['heldTokens.attend, 320 tokens', 'exactStream.attend, 4096 tokens']
  return {
    name: `single tokens, d = ${d}`,
    unit: { name: 'µs', of: 'token' },
    cases: [
      timed(HELD, () => held.attend(query, emptyPartial(1, d))),
      timed(ALL, () => exact.attend(query)),
      ...Object.entries(streams).map(([name, make]) => {
        const stream = make(shape)
        stream.push({ keys, values })
        return timed(`${name}, step`, () => stream.step(one, query), [HELD, ALL])
      }),
    ],
  }
}

/** Pushes without queries: the work of a policy beside answering. */
function upkeepGroup(d: number): Group {
  const { keys, values, shape } = tokensOf(N, d)
  const specs = {
    ...policies,
    'window 256, 5/3 bits': window({ count: 256, store: quantised({ keyBits: 5, valueBits: 3 }) }),
    '256 far keys, 5/3 bits': farKeys({ count: 256, store: quantised({ keyBits: 5, valueBits: 3 }) }),
    '64 far keys': farKeys({ count: 64 }),
    '1024 far keys': farKeys({ count: 1024 }),
    closure: closureStream,
    '4 closures': (own: Shape) => closureStream({ ...own, clusters: 4 }),
  }
  return {
    name: `push of ${N} tokens, d = ${d}`,
    unit: { name: 'ns', of: 'token', count: N },
    cases: Object.entries(specs).map(([name, make]) =>
      timed(name, () => {
        const stream = make(shape)
        stream.push({ keys, values })
        stream[Symbol.dispose]()
      }),
    ),
  }
}

/** Attention over tokens that are held, by how they are held. */
function storeGroup(d: number, block: number): Group {
  const most = 1024
  const { queries, keys, values, shape } = tokensOf(most, d)
  const asked = rowsOf(queries, 0, block)
  const FLOAT = 'heldTokens, float32'
  const stores = {
    [FLOAT]: float32,
    '8/8 bits': quantised({ keyBits: 8, valueBits: 8 }),
    '5/3 bits': quantised({ keyBits: 5, valueBits: 3 }),
    '2/2 bits': quantised({ keyBits: 2, valueBits: 2 }),
  }
  return {
    name: `single calls of ${block === 1 ? '1 query' : `${block} queries`}, ${most} tokens held, d = ${d}`,
    unit: { name: 'µs', of: 'query', count: block },
    cases: Object.entries(stores).map(([name, store]) => {
      const held = store.make({ ...shape, most })
      held.write({ keys, values }, 0, most, 0)
      return timed(name, () => held.attend(asked, emptyPartial(block, d)), name === FLOAT ? [] : [FLOAT])
    }),
  }
}

/** Cost of policies that choose tokens, and learn from queries, beside one that does neither: steps of `block` tokens. */
function policyGroup(d: number, block: number, n: number): Group {
  const { queries, keys, values, shape } = tokensOf(n, d)
  const PLAIN = 'window 256'
  return {
    name: `policies, blocks of ${block}, n = ${n}, d = ${d}`,
    unit: { name: 'µs', of: 'token', count: n },
    cases: Object.entries(policies).map(([name, make]) =>
      timed(
        name,
        () => {
          const stream = make(shape)
          for (let from = 0; from < n; from += block) {
            const to = from + block
            stream.step({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) }, rowsOf(queries, from, to))
          }
          stream[Symbol.dispose]()
        },
        name === PLAIN ? [] : [PLAIN],
      ),
    ),
  }
}
