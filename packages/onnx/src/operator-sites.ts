import { floatOf, intOf, type AttentionSite } from './attention-site'
import type { OnnxNode } from './graph'
import { titleOf, type OrderedGraph } from './graph-order'
import { notSupported } from './refuse'

const at = (names: readonly string[], i: number) => names[i] || undefined
const scaleOf = (scale: number | undefined) => (scale ? { number: scale, factors: [] } : undefined)

/**
 * Reads a node com.microsoft::GroupQueryAttention.
 * Source: onnxruntime's contrib operators, 1.30. Inputs: 0 query (or all, packed), 1 key, 2 value, 3 and 4 past, 5 and 6 lengths, 7 and 8 tables, 9 places,
 *   10 bias, 11 sinks, 12 and 13 scales of a quantised cache, 14 and 15 norms, which `withNormsOutside` has taken out.
 *
 * @throws RangeError that names whatever else the node asks for
 */
export function groupQuerySite(node: OnnxNode, { inputs: given }: OrderedGraph): AttentionSite {
  const { inputs, outputs, attributes } = node
  const title = titleOf(node)
  const refuse = (isThere: unknown, what: string) => {
    if (isThere) throw notSupported(title, what)
  }
  const isQuantised = [12, 13].some((i) => at(inputs, i)) || intOf(node, 'kv_cache_bit_width', 0) > 0
  const types = ['k_quant_type', 'v_quant_type'].map((name) => attributes.get(name)?.text ?? 'NONE')
  refuse(isQuantised || types.some((type) => type !== 'NONE'), 'a quantised cache')
  refuse(intOf(node, 'smooth_softmax', 0) > 0, 'smooth softmax (smooth_softmax)')
  refuse(intOf(node, 'qk_output', 0) > 0 || at(outputs, 3), 'scores as an output (output_qk)')
  refuse(intOf(node, 'causal', 1) === 0, 'a mask that is not causal (causal = 0)')
  refuse(intOf(node, 'sliding_window_cache', 0) > 0, 'a cache that the runtime bounds (sliding_window_cache)')
  const [past, later] = [at(inputs, 3), at(inputs, 4)]
  const isInput = (name: string | undefined) => name === undefined || given.some((own) => own.name === name)
  const isShared = !isInput(past)
  refuse(isShared === isInput(later), 'keys or values that are another layer’s, and not both')
  const isPacked = at(inputs, 1) === undefined
  refuse(isShared && isPacked, 'keys and values that are another layer’s beside packed ones of its own')
  refuse(isShared && at(inputs, 10), 'a bias of scores over keys that are another layer’s')
  const window = intOf(node, 'local_window_size', -1)
  const bias = at(inputs, 10)
  return {
    title,
    dialect: 'GroupQueryAttention',
    inputs: isPacked || isShared ? [inputs[0], inputs[0], inputs[0]] : [inputs[0], inputs[1], inputs[2]],
    layout: 'rows',
    isPacked,
    output: outputs[0],
    outputLayout: 'rows',
    heads: intOf(node, 'num_heads', 0),
    kvHeads: intOf(node, 'kv_num_heads', 0),
    scale: scaleOf(floatOf(node, 'scale')),
    softcap: floatOf(node, 'softcap') || undefined,
    window: window > 0 ? window : undefined,
    ...(intOf(node, 'do_rotary', 0) === 1 && {
      rotary: { cos: inputs[7], sin: inputs[8], isInterleaved: intOf(node, 'rotary_interleaved', 0) === 1 },
    }),
    sinks: at(inputs, 11),
    masks: bias === undefined ? [] : [{ tensor: bias, meaning: 'additive' }],
    isCausal: true,
    ...(isShared && { none: [inputs[1], inputs[2]] }),
    past: [past, later].filter((name) => name !== undefined),
    present: [at(outputs, 1), at(outputs, 2)].filter((name) => name !== undefined),
  }
}

/**
 * Reads a node com.microsoft::MultiHeadAttention.
 * Source: onnxruntime's contrib operators. Inputs: 0 query, 1 key, 2 value, 3 bias, 4 padding, 5 additive mask, 6 and 7 past.
 */
export function multiHeadSite(node: OnnxNode): AttentionSite {
  const { inputs, outputs } = node
  const title = titleOf(node)
  if (at(inputs, 3)) throw notSupported(title, 'a bias of queries, keys and values')
  if (at(inputs, 4)) throw notSupported(title, 'a padding of its own (key_padding_mask)')
  if (at(inputs, 8) ?? at(inputs, 9)) throw notSupported(title, 'a cache that the runtime bounds')
  if (at(outputs, 3)) throw notSupported(title, 'scores as an output (output_qk)')
  if (!at(inputs, 1) || !at(inputs, 2)) throw notSupported(title, 'packed keys and values')
  const heads = intOf(node, 'num_heads', 0)
  return {
    title,
    dialect: 'MultiHeadAttention',
    inputs: [inputs[0], inputs[1], inputs[2]],
    layout: 'rows',
    isPacked: false,
    output: outputs[0],
    outputLayout: 'rows',
    heads,
    kvHeads: heads,
    scale: scaleOf(floatOf(node, 'scale')),
    masks: at(inputs, 5) ? [{ tensor: inputs[5], meaning: 'additive' }] : [],
    isCausal: intOf(node, 'unidirectional', 0) === 1,
    past: [at(inputs, 6), at(inputs, 7)].filter((name) => name !== undefined),
    present: [at(outputs, 1), at(outputs, 2)].filter((name) => name !== undefined),
  }
}

/** Reads a node ai.onnx::Attention, of operator sets 23 and 24. Inputs: 0 query, 1 key, 2 value, 3 mask, 4 and 5 past, 6 lengths without padding. */
export function standardSite(node: OnnxNode): AttentionSite {
  const { inputs, outputs } = node
  const title = titleOf(node)
  if (at(outputs, 3)) throw notSupported(title, 'scores as an output (qk_matmul_output)')
  if (at(inputs, 6)) throw notSupported(title, 'a padding of its own (nonpad_kv_seqlen)')
  const heads = intOf(node, 'q_num_heads', 0)
  const layout = heads > 0 ? 'rows' : 'heads'
  return {
    title,
    dialect: 'Attention',
    inputs: [inputs[0], inputs[1], inputs[2]],
    layout,
    isPacked: false,
    output: outputs[0],
    outputLayout: layout,
    heads: heads || undefined,
    kvHeads: intOf(node, 'kv_num_heads', 0) || undefined,
    scale: scaleOf(floatOf(node, 'scale')),
    softcap: floatOf(node, 'softcap') || undefined,
    masks: at(inputs, 3) ? [{ tensor: inputs[3], meaning: 'additive' }] : [],
    isCausal: intOf(node, 'is_causal', 0) === 1,
    past: [at(inputs, 4), at(inputs, 5)].filter((name) => name !== undefined),
    present: [at(outputs, 1), at(outputs, 2)].filter((name) => name !== undefined),
  }
}
