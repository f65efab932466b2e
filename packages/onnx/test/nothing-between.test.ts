import { exactStream } from '@sublinear/exact-attention'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { onnxModel } from '../src/onnx-model'
import { differs } from './models/differs'
import { graphBuilder, type GraphBuilder } from './models/graph-builder'
import { wholeGraph } from './models/whole-graph'

// Graphs in which no node lies between an attention and what reads it: the last linear map, another attention, the graph's own outputs. Such a segment has nothing
// to run. The truth from outside is the whole graph, run by onnxruntime with its own cache.
// Kills: a session of no nodes, which onnxruntime refuses; keys that a later attention reads, too, and that were left out because the first has them joined; an
// answer whose heads lie in another order than what reads it expects; answers of all layers in one array,
// though a later attention or segment reads them.

const session = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const
const [WIDTH, HEADS, D, WORDS] = [32, 2, 16, 20]
const IDS = [3, 5, 7, 1, 0, 19, 4, 4, 2, 11, 12]

const numbers = (count: number, step: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * step))

/** A graph whose tokens have three rows each, and what attends to them. */
function decoder() {
  const b = graphBuilder()
  b.input('input_ids', 'i64', [1, 's'])
  b.input('attention_mask', 'i64', [1, 't'])
  const sum = b.op('ReduceSum', ['attention_mask', b.ints(1)], { keepdims: 0 })
  b.op('Cast', [b.op('Sub', [sum, b.int(1)])], { to: 6 }, 'seen')
  b.op('Cast', [b.op('Gather', [b.op('Shape', ['attention_mask']), b.int(1)])], { to: 6 }, 'total')
  const rows = ['q', 'k', 'v'].map((name, i) =>
    b.op('Gather', [b.constant(name, [WORDS, WIDTH], numbers(WORDS * WIDTH, 1.1 + 0.3 * i)), 'input_ids']),
  )
  let layers = 0
  const attend = (inputs: readonly string[], form: 'rows' | 'heads' = 'rows', output = `answer.${layers}`) => {
    const layer = layers++
    const past = ['key', 'value'].map((part) => b.input(`past_key_values.${layer}.${part}`, 'f32', [1, HEADS, 'p', D]))
    const present = ['key', 'value'].map((part) => b.output(`present.${layer}.${part}`, 'f32', [1, HEADS, 't', D]))
    if (form === 'rows')
      b.node({
        op: 'GroupQueryAttention',
        domain: 'com.microsoft',
        inputs: [...inputs, ...past, 'seen', 'total'],
        outputs: [output, ...present],
        attributes: { num_heads: HEADS, kv_num_heads: HEADS },
      })
    else
      b.node({
        op: 'Attention',
        inputs: [...inputs, '', ...past],
        outputs: [output, ...present],
        attributes: { is_causal: 1 },
      })
    return output
  }
  const heads = () =>
    rows.map((own) => b.op('Transpose', [b.op('Reshape', [own, b.ints(1, -1, HEADS, D)])], { perm: [0, 2, 1, 3] }))
  const head = (x: string) => {
    b.op('MatMul', [x, b.constant('head', [WIDTH, WORDS], numbers(WIDTH * WORDS, 0.9))], {}, 'logits')
    b.output('logits', 'f32', [1, 's', WORDS])
  }
  const joined = (x: string) => b.op('Reshape', [b.op('Transpose', [x], { perm: [0, 2, 1, 3] }), b.ints(1, -1, WIDTH)])
  return { b, rows, heads, attend, head, joined }
}

const GRAPHS: Readonly<Record<string, () => GraphBuilder>> = {
  'the last linear map reads an attention': () => {
    const { b, rows, attend, head } = decoder()
    head(attend(rows))
    return b
  },
  'an attention asks by the answers of another, over the same keys': () => {
    const { b, rows, attend, head } = decoder()
    const first = attend(rows)
    head(b.op('Add', [first, attend([first, rows[1], rows[2]])]))
    return b
  },
  'an attention reads the answers of another alone, and the last map reads it': () => {
    const { b, rows, attend, head } = decoder()
    const first = attend(rows)
    head(attend([first, first, first]))
    return b
  },
  'the answers of an attention are keys of the next but one': () => {
    const { b, rows, attend, head } = decoder()
    const first = attend(rows)
    head(attend([attend([first, rows[1], rows[2]]), first, rows[2]]))
    return b
  },
  'the answers of an attention are read behind the next': () => {
    const { b, rows, attend, head } = decoder()
    const first = attend(rows)
    head(b.op('Add', [attend([b.op('Add', [first, rows[0]]), rows[1], rows[2]]), first]))
    return b
  },
  'what a segment makes first is read by the next last': () => {
    const { b, rows, attend, head } = decoder()
    const early = b.op('Neg', [rows[2]])
    const first = attend(rows)
    const made = b.op('Tanh', [first])
    head(b.op('Add', [attend([b.op('Add', [made, early]), rows[1], rows[2]]), made]))
    return b
  },
  'two attentions read the same rows, each in its own order': () => {
    const { b, rows, attend, head } = decoder()
    head(b.op('Sub', [attend(rows), attend(rows.toReversed())]))
    return b
  },
  'an attention reads answers by heads': () => {
    const { b, heads, attend, head, joined } = decoder()
    const own = heads()
    head(joined(attend([attend(own, 'heads'), own[1], own[2]], 'heads')))
    return b
  },
  'the logits are an attention’s answers': () => {
    const { b, rows, attend } = decoder()
    attend(rows, 'rows', 'logits')
    b.output('logits', 'f32', [1, 's', WIDTH])
    return b
  },
  'answers are an output of the graph, too': () => {
    const { b, rows, attend, head } = decoder()
    const first = attend(rows)
    b.output(first, 'f32', [1, 's', WIDTH])
    head(b.op('Neg', [first]))
    return b
  },
}

describe('nothing between', () => {
  it.each(Object.keys(GRAPHS))('%s', async (name) => {
    const bytes = GRAPHS[name]().files({ opset: 23 })['model.onnx']
    const whole = await wholeGraph(bytes)
    const model = await onnxModel({ model: bytes, ort, session })
    const reader = model.reader({ stream: exactStream })
    const all: number[] = []
    for (const ids of [IDS.slice(0, 6), IDS.slice(6, 7), IDS.slice(7, 8), IDS.slice(8, 9), IDS.slice(9)]) {
      const truth = await whole.read(ids)
      const own = await reader.read(ids, 'all')
      expect(own.cols).toBe(truth.cols)
      expect(differs(own.data, truth.data)).toBeLessThan(1e-5)
      all.push(...truth.data)
    }
    const last = await model.reader({ stream: exactStream }).read(IDS, 'last')
    expect(differs(last.data, Float32Array.from(all.slice(-last.cols)))).toBeLessThan(1e-5)
    await Promise.all([model.release(), whole.session.release()])
  })

  it('is refused where an attention reads an input of the graph, by the input’s name', async () => {
    const { b, rows, attend, head } = decoder()
    head(attend([rows[0], b.input('inputs_embeds', 'f32', [1, 's', WIDTH]), rows[2]]))
    const model = b.files({ opset: 23 })['model.onnx']
    await expect(onnxModel({ model, ort, session })).rejects.toThrow('the input inputs_embeds is none that a decoder')
  })
  it('is refused where an attention reads constants, by the attention’s name', async () => {
    const { b, rows, attend, head } = decoder()
    const fixed = b.constant('fixed', [1, 1, WIDTH], new Float32Array(WIDTH))
    head(attend([rows[0], fixed, fixed]))
    const model = b.files({ opset: 23 })['model.onnx']
    await expect(onnxModel({ model, ort, session })).rejects.toThrow(
      /GroupQueryAttention .*: queries, keys or values that no token makes/,
    )
  })
})
