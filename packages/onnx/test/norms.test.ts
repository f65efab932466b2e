import { exactStream } from '@sublinear/exact-attention'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { filesInMemory } from '../src/model-files'
import { onnxModel } from '../src/onnx-model'
import { differs } from './models/differs'
import { graphBuilder, type GraphBuilder } from './models/graph-builder'
import { llama, type LlamaOptions } from './models/llama'
import { wholeGraph } from './models/whole-graph'

// GroupQueryAttention that norms queries and keys itself (inputs 14 and 15), which onnxruntime refuses on CPUs. Two truths from outside: the same decoder whose
// norms are nodes, run whole by onnxruntime; and a plain float64 computation, for the operator's own epsilon.
// Kills: a norm after the rotation, the weights of queries and keys exchanged, one norm over all heads, values that are normed, another default of epsilon.

const session = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const
const IDS = Array.from({ length: 60 }, (_, i) => (i * 31 + (i % 7) * 5) % 61)

async function worst(options: Omit<LlamaOptions, 'norms'>): Promise<number> {
  const form = { opset: 17, shuffle: true, data: 'weights.bin' } as const
  const whole = await wholeGraph(llama({ ...options, norms: 'outside' }).files({ opset: 17 })['model.onnx'])
  const files = llama({ ...options, norms: 'inside' }).files(form)
  const model = await onnxModel({ model: filesInMemory(files), ort, session })
  const reader = model.reader({ stream: exactStream })
  let most = 0
  let from = 0
  for (const count of [30, 1, 1, 28]) {
    const ids = IDS.slice(from, from + count)
    most = Math.max(most, differs((await reader.read(ids, 'all')).data, (await whole.read(ids)).data))
    from += count
  }
  reader[Symbol.dispose]()
  await Promise.all([model.release(), whole.session.release()])
  return most
}

describe('norms inside GroupQueryAttention', () => {
  it.each([
    ['separate rows', { dialect: 'gqa' }],
    ['packed rows', { dialect: 'gqa-packed' }],
    ['pairs of neighbours', { dialect: 'gqa-packed', interleaved: true }],
    ['another epsilon', { dialect: 'gqa', normEpsilon: 0.3 }],
    ['windows, sinks and soft caps', { dialect: 'gqa-packed', window: 11, sinks: true, softcap: 2 }],
    ['layers that read the keys of another', { dialect: 'gqa', layers: 6, sharing: 2 }],
  ] as const)('are those of nodes before it: %s', async (_, options) => {
    expect(await worst(options)).toBeLessThan(1e-5)
  })
  it('in float16', async () => {
    expect(await worst({ dialect: 'gqa', half: true })).toBeLessThan(2e-2)
  })
  it('are refused by onnxruntime on CPUs, so that no whole graph is compared here', async () => {
    const inside = llama({ dialect: 'gqa', norms: 'inside' }).files({ opset: 17 })['model.onnx']
    await expect(wholeGraph(inside, { logSeverityLevel: 4 }).then((own) => own.read(IDS))).rejects.toThrow('norm')
  })
})

const [HEADS, KV_HEADS, D, IDS_COUNT] = [4, 2, 16, 20]
const WIDTH = (HEADS + 2 * KV_HEADS) * D
/** Rows whose mean square is near the default epsilon, so that it decides. */
const TABLE = Float32Array.from({ length: IDS_COUNT * WIDTH }, (_, i) => 2e-3 * Math.sin(i * 1.7 + (i % 5)))
const HEAD = Float32Array.from({ length: HEADS * D * IDS_COUNT }, (_, i) => Math.cos(i * 0.9))
const WEIGHTS = [1, 2].map((turn) => Float32Array.from({ length: D }, (_, i) => turn + Math.sin(turn * i)))
const angle = (place: number, pair: number) => place * 100 ** ((-2 * pair) / D)

/** Rows of a table as packed queries, keys and values, one attention that norms them, and a linear map. */
function oneAttention(norms: readonly string[]): GraphBuilder {
  const b = graphBuilder()
  b.input('input_ids', 'i64', [1, 's'])
  b.input('attention_mask', 'i64', [1, 't'])
  const x = b.op('Gather', [b.constant('table', [IDS_COUNT, WIDTH], TABLE), 'input_ids'])
  const sum = b.op('ReduceSum', ['attention_mask', b.ints(1)], { keepdims: 0 })
  const seen = b.op('Cast', [b.op('Sub', [sum, b.int(1)])], { to: 6 })
  const total = b.op('Cast', [b.op('Gather', [b.op('Shape', ['attention_mask']), b.int(1)])], { to: 6 })
  const pasts = ['key', 'value'].map((part) => b.input(`past.${part}`, 'f32', [1, KV_HEADS, 'p', D]))
  const tables = [Math.cos, Math.sin].map((f, i) =>
    b.constant(
      `turn${i}`,
      [32, D / 2],
      Float32Array.from({ length: (32 * D) / 2 }, (_, j) => f(angle(Math.floor(j / (D / 2)), j % (D / 2)))),
    ),
  )
  for (const [i, data] of WEIGHTS.entries()) b.constant(['q_norm', 'k_norm'][i], [D], data)
  b.node({
    op: 'GroupQueryAttention',
    domain: 'com.microsoft',
    inputs: [x, '', '', ...pasts, seen, total, ...tables, '', '', '', '', '', ...norms],
    outputs: ['y'],
    attributes: { num_heads: HEADS, kv_num_heads: KV_HEADS, do_rotary: 1 },
  })
  b.op('MatMul', [b.op('Neg', ['y']), b.constant('head', [HEADS * D, IDS_COUNT], HEAD)], {}, 'logits')
  b.output('logits', 'f32', [1, 's', IDS_COUNT])
  return b
}

/** Computes its logits in float64, from the operator’s definition. */
function reference(ids: readonly number[]): Float64Array {
  const rows = ids.map((id) => TABLE.subarray(id * WIDTH, (id + 1) * WIDTH))
  const headOf = (row: number, head: number, weights?: Float32Array) => {
    const plain = [...rows[row].subarray(head * D, (head + 1) * D)]
    if (!weights) return plain
    const size = Math.sqrt(plain.reduce((total, x) => total + x * x, 0) / D + 1e-6)
    const normed = plain.map((x, i) => (x / size) * weights[i])
    return normed.map((x, i) => {
      const pair = i % (D / 2)
      const [cos, sin] = [Math.cos(angle(row, pair)), Math.sin(angle(row, pair))]
      return i < D / 2 ? x * cos - normed[i + D / 2] * sin : x * cos + normed[i - D / 2] * sin
    })
  }
  const logits = new Float64Array(ids.length * IDS_COUNT)
  for (let row = 0; row < ids.length; row++)
    for (let head = 0; head < HEADS; head++) {
      const own = Math.floor((head * KV_HEADS) / HEADS)
      const q = headOf(row, head, WEIGHTS[0])
      const shares = ids.slice(0, row + 1).map((_, t) => {
        const k = headOf(t, HEADS + own, WEIGHTS[1])
        return Math.exp(q.reduce((total, x, i) => total + x * k[i], 0) / Math.sqrt(D))
      })
      const mass = shares.reduce((total, x) => total + x, 0)
      for (let i = 0; i < D; i++) {
        const mixed = shares.reduce((total, x, t) => total + x * headOf(t, HEADS + KV_HEADS + own)[i], 0) / mass
        for (let j = 0; j < IDS_COUNT; j++) logits[row * IDS_COUNT + j] -= mixed * HEAD[(head * D + i) * IDS_COUNT + j]
      }
    }
  return logits
}

describe('against float64', () => {
  it('is 1e-6 the epsilon of a node that tells none', async () => {
    const model = await onnxModel({ model: oneAttention(['q_norm', 'k_norm']).files()['model.onnx'], ort, session })
    const reader = model.reader({ stream: exactStream })
    const ids = Array.from({ length: 30 }, (_, i) => (i * i + 3) % IDS_COUNT)
    expect(differs((await reader.read(ids, 'all')).data, Float32Array.from(reference(ids)))).toBeLessThan(1e-5)
    reader[Symbol.dispose]()
    await model.release()
  })
  it('refuses a norm of queries or of keys alone', async () => {
    for (const norms of [['q_norm'], ['', 'k_norm']])
      await expect(onnxModel({ model: oneAttention(norms).files()['model.onnx'], ort })).rejects.toThrow(
        'a norm of queries or keys alone',
      )
  })
})
