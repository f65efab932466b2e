import type { LanguageModel } from '@sublinear/small-lm'
import { emitAttention, emitShared, type Dialect } from './emit-attention.ts'
import { graphBuilder, type GraphBuilder } from './graph-builder.ts'

/**
 * The small language model as a graph, with GroupQueryAttention also with caches that onnxruntime keeps at `runtimeWindow` tokens itself. `previous_ids` are the tokens before those of `input_ids`, −1 before the first.
 */
export function smallModel(
  { config, weights }: LanguageModel,
  dialect: Dialect,
  places = 4096,
  runtimeWindow?: number,
): GraphBuilder {
  const { heads, d, width, hidden, vocabulary, ropeBase, epsilon, logitBound } = config
  const b = graphBuilder()
  b.input('input_ids', 'i64', [1, 'sequence'])
  b.input('previous_ids', 'i64', [1, 'sequence'])
  const shifted = new Float32Array((vocabulary + 1) * width) // its last row, which −1 finds, adds nothing
  shifted.set(weights.shifted)
  const embedding = b.constant('embedding', [vocabulary, width], weights.embedding)
  let x = b.op('Add', [
    b.op('Gather', [embedding, 'input_ids']),
    b.op('Gather', [b.constant('shifted', [vocabulary + 1, width], shifted), 'previous_ids']),
  ])
  const shared = emitShared(b, dialect, { d, places, ropeBase, type: 'f32' })
  const norm = (name: string, { weight, bias }: { readonly weight: Float32Array; readonly bias: Float32Array }) =>
    b.op('LayerNormalization', [x, b.constant(`${name}.w`, [width], weight), b.constant(`${name}.b`, [width], bias)], {
      axis: -1,
      epsilon: { float: epsilon },
    })
  const length = logitBound === undefined ? undefined : Math.sqrt(logitBound * Math.sqrt(d))
  /** Rows of a head at a given length: a turn keeps it, so it may come first. */
  const sized = (rows: string) => {
    if (length === undefined) return rows
    const unit = b.op('LpNormalization', [b.op('Reshape', [rows, b.ints(1, -1, heads, d)])], { axis: -1, p: 2 })
    return b.op('Reshape', [b.op('Mul', [unit, b.float(length)]), b.ints(1, -1, heads * d)])
  }
  for (const [layer, own] of weights.layers.entries()) {
    const h = norm(`norm.${layer}`, own.attentionNorm)
    const all = own.qkv.read()
    const [q, k, v] = [0, 1, 2].map((part) => {
      const w = new Float32Array(width * heads * d)
      for (let r = 0; r < width; r++) {
        const from = (3 * r + part) * heads * d
        w.set(all.subarray(from, from + heads * d), r * heads * d)
      }
      return b.op('MatMul', [h, b.constant(`qkv.${layer}.${part}`, [width, heads * d], w)])
    })
    const at = { layer, dialect, heads, kvHeads: heads, d, scale: 1 / Math.sqrt(d), type: 'f32' } as const
    const window = runtimeWindow === undefined ? {} : { window: runtimeWindow, isRuntimeWindow: true }
    const attended = emitAttention(b, { ...at, ...window, q: sized(q), k: sized(k), v }, shared)
    x = b.op('Add', [x, b.op('MatMul', [attended, b.constant(`out.${layer}`, [heads * d, width], own.project.read())])])
    const inner = norm(`inner.${layer}`, own.hiddenNorm)
    const up = b.op('Relu', [b.op('MatMul', [inner, b.constant(`up.${layer}`, [width, hidden], own.up.read())])])
    x = b.op('Add', [
      x,
      b.op('MatMul', [b.op('Mul', [up, up]), b.constant(`down.${layer}`, [hidden, width], own.down.read())]),
    ])
  }
  b.op(
    'MatMul',
    [norm('norm.last', weights.lastNorm), b.constant('head', [width, vocabulary], weights.unembedding.read())],
    {},
    'logits',
  )
  b.output('logits', 'f32', [1, 'sequence', vocabulary])
  return b
}
