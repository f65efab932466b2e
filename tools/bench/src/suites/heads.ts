import { rowsOf } from '@sublinear/core'
import { exactAttention } from '@sublinear/exact-attention'
import { window } from '@sublinear/kv-cache'
import { quantised, type TokenStore } from '@sublinear/token-store'
import { cpuTime } from '../measure.ts'
import { ATTENTION_VOCABULARY, attentionGguf } from '../peers/attention-gguf.ts'
import {
  FASTEST_LLAMA,
  FASTEST_LLAMA_4_BITS,
  FASTEST_LLAMA_8_BITS,
  LLAMA_4_BITS,
  LLAMA_8_BITS,
  LLAMA_F16,
  llamaContext,
  llamaMissing,
  type LlamaContext,
  type LlamaKind,
} from '../peers/llama.ts'
import { onnxCache, type OnnxCache } from '../peers/onnx-cache.ts'
import { normalMatrix, normals } from '../random.ts'
import type { Case, Group, Opponent, Suite } from '../suite.ts'

const HELD = 4096
/** Tokens held where next to nothing is: the time then is what a token costs llama.cpp besides attention. It looks at places in steps of 256. */
const LITTLE = 256
const TOKENS = 32
const READ = 2048

export const suite: Suite = {
  name: 'heads',
  rounds: 5,
  missing: llamaMissing,
  groups: () => [
    queryGroup(16, 64),
    queryGroup(16, 128),
    queryGroup(1, 64),
    queryGroup(1, 128),
    causalGroup(16, 64),
    causalGroup(16, 128),
  ],
}

const FLOAT = 'window, float32'
const stores: Readonly<Record<string, TokenStore | undefined>> = {
  [FLOAT]: undefined,
  'window, 8/8 bits': quantised({ keyBits: 8, valueBits: 8 }),
  'window, 4/4 bits': quantised({ keyBits: 4, valueBits: 4 }),
}

const ORT: Readonly<Record<string, OnnxCache>> = {
  'onnxruntime-node GroupQueryAttention, float32 cache': 'float32',
  'onnxruntime-node GroupQueryAttention, int8 cache': 'int8',
  'onnxruntime-node GroupQueryAttention, int4 cache': 'int4',
}
const FASTEST_ORT = { name: 'onnxruntime-node at its fastest', of: Object.keys(ORT) }

/** Opponents of a store in codes, by its bits. */
const OF_BITS: Readonly<Record<string, Opponent>> = {
  'window, 8/8 bits': FASTEST_LLAMA_8_BITS,
  'window, 4/4 bits': FASTEST_LLAMA_4_BITS,
}

const anyIds = (count: number) => Uint32Array.from({ length: count }, (_, i) => i % ATTENTION_VOCABULARY)

/** One query over the tokens held, of one head or of several in turns. */
function queryGroup(heads: number, d: number): Group {
  const [queries, keys, values] = [normalMatrix(heads, d, 1), normalMatrix(HELD, d, 2), normalMatrix(HELD, d, 3)]
  const model = attentionGguf(heads, d)
  const operations = 4 * HELD * d
  const theirs = [...LLAMA_F16, ...LLAMA_8_BITS, ...LLAMA_4_BITS]
  return {
    name: `one query, ${HELD} tokens held, ${heads === 1 ? 'one head' : `${heads} heads in turns`}, d = ${d}`,
    unit: { name: 'µs', of: 'query' },
    cases: [
      ...theirs.map((kind) => ({ ...llamaQueries(model, heads, kind), operations })),
      ...Object.entries(ORT).map(([name, cache]) => ({ ...onnxQueries(heads, d, name, cache), operations })),
      ...Object.entries(stores).map(([name, store]) => ({
        name,
        operations,
        against: [FASTEST_LLAMA, OF_BITS[name] ?? [], FASTEST_ORT, name === FLOAT ? [] : FLOAT].flat(),
        setup: () => {
          const all = Array.from({ length: heads }, () => {
            const stream = window({ count: HELD, ...(store && { store }) })({ d, dv: d, scale: 1 / Math.sqrt(d) })
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
    ],
  }
}

/** Attention of llama.cpp, which has no call for it alone: the time that a token takes longer where many are held than where few are. */
function llamaQueries(model: Uint8Array, heads: number, { name, ...options }: LlamaKind): Case {
  return {
    name,
    setup: async () => {
      const contexts: LlamaContext[] = []
      for (const held of [HELD, LITTLE]) {
        const context = await llamaContext({ model, ...options, tokens: held })
        await context.read(anyIds(held))
        contexts.push(context)
      }
      const timeAt = async (i: number) => {
        await contexts[i].keep([HELD, LITTLE][i] - TOKENS)
        return await contexts[i].decode(anyIds(TOKENS))
      }
      const measure = async () => {
        const [many, few] = [await timeAt(0), await timeAt(1)]
        return ((many - few) * HELD) / ((HELD - LITTLE) * TOKENS * heads)
      }
      await measure()
      return { measure }
    },
  }
}

/** The operator for caches of onnxruntime: one call answers all heads and copies the cache of each. Its first calls take up memory and are not counted. */
function onnxQueries(heads: number, d: number, name: string, cache: OnnxCache): Case {
  return {
    name,
    setup: async () => {
      const [queries, keys, values] = [
        normals(heads * d, 1),
        normals(heads * HELD * d, 2),
        normals(heads * HELD * d, 3),
      ]
      const run = await onnxCache({ heads, held: HELD, d, cache, queries, keys, values })
      const calls = Math.ceil(32 / heads)
      const measure = async () => {
        const start = cpuTime()
        for (let i = 0; i < calls; i++) await run()
        return (cpuTime() - start) / (calls * heads)
      }
      for (let warm = 0; warm < 20; warm += calls) await measure()
      return { measure }
    },
  }
}

/** Causal attention over a text, one head after another. */
function causalGroup(heads: number, d: number): Group {
  const [queries, keys, values] = [1, 2, 3].map((seed) => normalMatrix(READ, d, seed))
  const job = { queries, keys, values, scale: 1 / Math.sqrt(d), causal: true }
  const model = attentionGguf(heads, d)
  const operations = 2 * READ * READ * d
  const all = LLAMA_F16
  return {
    name: `causal attention, n = ${READ}, ${heads} heads, d = ${d}`,
    unit: { name: 'ms', of: 'head' },
    cases: [
      ...all.map((kind) => ({ ...llamaCausal(model, heads, kind), operations })),
      {
        name: '@sublinear/exact-attention',
        operations,
        against: [FASTEST_LLAMA],
        setup: () => ({ run: () => exactAttention(job) }),
      },
    ],
  }
}

/** Twice the time that the second half of a text takes beyond the first: all that does not grow with the text falls out. */
function llamaCausal(model: Uint8Array, heads: number, { name, ...options }: LlamaKind): Case {
  return {
    name,
    setup: async () => {
      const context = await llamaContext({ model, ...options, tokens: READ })
      const measure = async () => {
        await context.keep(0)
        const [first, second] = [await context.read(anyIds(READ / 2)), await context.read(anyIds(READ / 2))]
        return (2 * (second - first)) / heads
      }
      await measure()
      return { measure }
    },
  }
}
