import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { orderedGraph } from '../src/graph-order'
import { filesInMemory } from '../src/model-files'
import { onnxModel } from '../src/onnx-model'
import { readModel } from '../src/read-model'
import { findAttention } from '../src/find-attention'
import { llama } from './models/llama'
import { graphBuilder, type GraphBuilder } from './models/graph-builder'

// Whatever is not supported is refused by its name, before any session is made of it.
// Kills: an attribute that is overlooked, a mask taken for causal, a bias dropped, a classifier's softmax taken for attention.

const session = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const
const opened = (b: GraphBuilder, opset = 17) => onnxModel({ model: b.files({ opset })['model.onnx'], ort, session })
const width = 32

/** Tokens' rows, and the output. */
function around(inner: (b: GraphBuilder, x: string) => string): GraphBuilder {
  const b = graphBuilder()
  b.input('input_ids', 'i64', [1, 's'])
  const table = Float32Array.from({ length: 20 * width }, (_, i) => Math.sin(i * 1.7))
  const x = b.op('Gather', [b.constant('table', [20, width], table), 'input_ids'])
  b.op('MatMul', [inner(b, x), b.constant('head', [width, 20], table)], {}, 'logits')
  b.output('logits', 'f32', [1, 's', 20])
  return b
}

function groupQuery(
  attributes: Record<string, number | string>,
  more: readonly string[] = [],
  outputs: readonly string[] = [],
): GraphBuilder {
  return around((b, x) => {
    b.input('attention_mask', 'i64', [1, 't'])
    const sum = b.op('Cast', [b.op('ReduceSum', ['attention_mask', b.ints(1)], { keepdims: 0 })], { to: 6 })
    const pasts = ['key', 'value'].map((part) => b.input(`past.${part}`, 'f32', [1, 2, 'p', 16]))
    const total = b.op('Cast', [b.op('Gather', [b.op('Shape', ['attention_mask']), b.int(1)])], { to: 6 })
    const inputs = [x, x, x, ...pasts, sum, total, ...more]
    const all = { num_heads: 2, kv_num_heads: 2, ...attributes }
    b.node({ op: 'GroupQueryAttention', domain: 'com.microsoft', inputs, outputs: ['y', ...outputs], attributes: all })
    return 'y'
  })
}

/** Attention written out over two heads of 16, behind whatever is done to the scores. */
const written = (change: (b: GraphBuilder, scores: string) => string, axis = -1) =>
  around((b, x) => {
    b.input('attention_mask', 'i64', [1, 't'])
    b.input('position_ids', 'i64', [1, 's'])
    const heads = b.op('Transpose', [b.op('Reshape', [x, b.ints(1, -1, 2, 16)])], { perm: [0, 2, 1, 3] })
    const scores = b.op('MatMul', [heads, b.op('Transpose', [heads], { perm: [0, 1, 3, 2] })])
    const shares = b.op('Softmax', [change(b, scores)], { axis })
    const mixed = b.op('Transpose', [b.op('MatMul', [shares, heads])], { perm: [0, 2, 1, 3] })
    return b.op('Reshape', [mixed, b.ints(1, -1, width)])
  })

/** Places of keys less places of queries: S × S, behind a dimension. */
function distances(b: GraphBuilder): string {
  const total = b.op('Gather', [b.op('Shape', ['attention_mask']), b.int(1)])
  return b.op('Sub', [b.op('Range', [b.int(0), total, b.int(1)]), b.op('Unsqueeze', ['position_ids', b.ints(2)])])
}
const masked = (b: GraphBuilder, scores: string, isSeen: string) =>
  b.op('Where', [b.op('Unsqueeze', [isSeen, b.ints(1)]), scores, b.float(-1e30)])

describe('operators', () => {
  it.each([
    [{ smooth_softmax: 1 }, [], [], 'smooth softmax'],
    [{ causal: 0 }, [], [], 'not causal'],
    [{ sliding_window_cache: 1 }, [], [], 'sliding_window_cache'],
    [{ qk_output: 1 }, [], [], 'output_qk'],
    [{}, [], ['a', 'b', 'scores'], 'output_qk'],
    [{ k_quant_type: 'PER_TENSOR' }, [], [], 'a quantised cache'],
    [{ kv_cache_bit_width: 8 }, [], [], 'a quantised cache'],
    [{}, ['', '', '', '', '', 'table'], [], 'a quantised cache'],
    [{}, ['', '', '', '', '', '', '', 'table'], [], 'q_norm_weight'],
  ] as const)('GroupQueryAttention with %o %o %o', async (attributes, more, outputs, message) => {
    await expect(opened(groupQuery(attributes, more, outputs))).rejects.toThrow(message)
  })
  it.each([
    [['pk', 'pv'], 'queries that are there before the keys of the other layer'],
    [['pk', 'past.value'], 'keys or values that are another layer’s, and not both'],
    [['pv', 'pk'], 'keys and values that no attention before it makes'],
  ])('keys and values of another layer: %s', async (reads, message) => {
    const shared = around((b, x) => {
      const lengths = [b.constant('n', [1], Int32Array.of(0)), b.constant('t', [], Int32Array.of(1))]
      const attributes = { num_heads: 2, kv_num_heads: 2 }
      const pasts = ['key', 'value'].map((part) => b.input(`past.${part}`, 'f32', [1, 2, 'p', 16]))
      const node = (past: readonly string[], outputs: readonly string[]) =>
        b.node({
          op: 'GroupQueryAttention',
          domain: 'com.microsoft',
          inputs: [x, x, x, ...past, ...lengths],
          outputs,
          attributes,
        })
      node(pasts, ['y', 'pk', 'pv'])
      node(reads, ['z'])
      return b.op('Add', ['y', 'z'])
    })
    await expect(opened(shared)).rejects.toThrow(message)
  })
  it('keys of its own behind those of another layer', async () => {
    const files = llama({ dialect: 'gqa', layers: 4, sharing: 2, ownRows: true }).files({ opset: 17 })
    await expect(onnxModel({ model: files['model.onnx'], ort })).rejects.toThrow(
      'keys of its own behind those of another',
    )
  })
  it.each(['PagedAttention', 'SparseAttention', 'Attention', 'LinearAttention', 'CausalConvWithState', 'QAttention'])(
    'com.microsoft::%s',
    async (op) => {
      const b = around((own, x) => {
        own.node({ op, domain: 'com.microsoft', inputs: [x], outputs: ['y'] })
        return 'y'
      })
      await expect(opened(b)).rejects.toThrow(`${op} ${op}_node`)
    },
  )
  it.each([
    [['', 'table'], {}, 'a bias of queries'],
    [['', '', 'table'], {}, 'a padding of its own'],
  ] as const)('MultiHeadAttention with inputs %o', async (more, attributes, message) => {
    const b = around((own, x) => {
      const inputs = [x, x, x, ...more.slice(1)]
      own.node({
        op: 'MultiHeadAttention',
        domain: 'com.microsoft',
        inputs,
        outputs: ['y'],
        attributes: { num_heads: 2, ...attributes },
      })
      return 'y'
    })
    await expect(opened(b)).rejects.toThrow(message)
  })
})

describe('masks', () => {
  it('takes one that is causal, and finds a window', async () => {
    const causal = await opened(written((b, s) => masked(b, s, b.op('LessOrEqual', [distances(b), b.int(0)]))))
    expect(causal.layers[0].shape.window).toBeUndefined()
    await causal.release()
    const window = await opened(
      written((b, s) => {
        const far = distances(b)
        return masked(b, s, b.op('And', [b.op('LessOrEqual', [far, b.int(0)]), b.op('Greater', [far, b.int(-700)])]))
      }),
    )
    expect(window.layers[0].shape.window).toBe(700)
    await window.release()
  })
  it.each([
    ['none', (_: GraphBuilder, s: string) => s, 'every token sees all others'],
    [
      'one token ahead',
      (b: GraphBuilder, s: string) => masked(b, s, b.op('LessOrEqual', [distances(b), b.int(1)])),
      'neither causal',
    ],
    [
      'not itself',
      (b: GraphBuilder, s: string) => masked(b, s, b.op('Less', [distances(b), b.int(0)])),
      'neither causal',
    ],
    [
      'every other token',
      (b: GraphBuilder, s: string) => {
        const far = distances(b)
        const isEven = b.op('Equal', [b.op('Mod', [far, b.int(2)]), b.int(0)])
        return masked(b, s, b.op('And', [isEven, b.op('LessOrEqual', [far, b.int(0)])]))
      },
      'neither causal',
    ],
    [
      'a slope',
      (b: GraphBuilder, s: string) => {
        const far = distances(b)
        const slope = b.op('Mul', [b.op('Cast', [far], { to: 1 }), b.float(0.1)])
        return masked(b, b.op('Add', [s, b.op('Unsqueeze', [slope, b.ints(1)])]), b.op('LessOrEqual', [far, b.int(0)]))
      },
      'a bias of scores',
    ],
  ] as const)('refuses one that is not causal or a window: %s', async (_, change, message) => {
    await expect(opened(written(change))).rejects.toThrow(message)
  })
  it('refuses a softmax over another axis', async () => {
    await expect(opened(written((_, s) => s, 2))).rejects.toThrow('a softmax over axis 2')
  })
})

describe('graphs', () => {
  it('refuses one that it understands wrongly, and names the first layer', async () => {
    const model = llama({ dialect: 'decomposed', tiled: true }).files()['model.onnx']
    await expect(onnxModel({ model, ort, session })).rejects.toThrow(
      /gives something else: layer 0 \(Softmax .*\) differs by/,
    )
  })
  it('leaves a softmax alone that is no attention', () => {
    const b = around((own, x) => own.op('Mul', [x, own.op('Softmax', [x], { axis: -1 })]))
    const graph = orderedGraph(readModel(filesInMemory(b.files()['model.onnx'])).graph)
    expect(() => findAttention(graph)).toThrow('there is no attention in the graph')
  })
  it('refuses nodes in a circle, tensors of nobody, and two makers of one', async () => {
    const circle = around((b, x) => {
      b.op('Add', [x, 'b'], {}, 'a')
      return b.op('Neg', ['a'], {}, 'b')
    })
    await expect(opened(circle)).rejects.toThrow('in a circle')
    await expect(opened(around((b) => b.op('Neg', ['nobody'])))).rejects.toThrow('nobody, which nothing makes')
    const two = around((b, x) => {
      b.op('Neg', [x], {}, 'a')
      return b.op('Neg', [x], {}, 'a')
    })
    await expect(opened(two)).rejects.toThrow('two nodes make the tensor a')
  })
  it('refuses an input that no decoder of text has, and a state that is no cache', async () => {
    const state = written((own, s) =>
      masked(
        own,
        own.op('Add', [s, own.input('past_conv', 'f32', [])]),
        own.op('LessOrEqual', [distances(own), own.int(0)]),
      ),
    )
    await expect(opened(state)).rejects.toThrow('the input past_conv is none that a decoder of text has')
    const other = written((own, s) =>
      masked(
        own,
        own.op('Add', [s, own.input('pixels', 'f32', [])]),
        own.op('LessOrEqual', [distances(own), own.int(0)]),
      ),
    )
    await expect(opened(other)).rejects.toThrow('the input pixels is none that a decoder of text has')
  })
  it('tells what is no onnxruntime', async () => {
    await expect(onnxModel({ model: new Uint8Array(4), ort: {} as typeof ort })).rejects.toThrow(
      'ort must be onnxruntime-node',
    )
  })
})
