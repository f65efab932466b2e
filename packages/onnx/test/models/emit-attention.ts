import { toHalf } from '@sublinear/core'
import type { GraphBuilder, ElementType } from './graph-builder.ts'

export const DIALECTS = ['gqa', 'gqa-packed', 'mha', 'attention', 'attention-rows', 'decomposed'] as const
export type Dialect = (typeof DIALECTS)[number]

/** The operator set that a dialect is written in. */
export function opsetOf(dialect: Dialect): number {
  if (dialect === 'attention') return 23
  return dialect === 'attention-rows' ? 24 : 17
}

/** One attention in a graph: rows of q (1 × S × heads·d), k and v (1 × S × kvHeads·d), none of them turned. */
export interface EmittedAttention {
  readonly layer: number
  readonly dialect: Dialect
  readonly q: string
  readonly k: string
  readonly v: string
  readonly heads: number
  readonly kvHeads: number
  readonly d: number
  readonly scale: number
  readonly softcap?: number | undefined
  readonly window?: number | undefined
  /** One a query head. */
  readonly sinks?: Float32Array | undefined
  /** GroupQueryAttention: the layer whose keys and values it reads; k and v have no rows then. */
  readonly reads?: number
  /** … and no outputs for them, which onnxruntime 1.30 does not survive on CPUs. */
  readonly isBare?: boolean
  readonly type: ElementType
  readonly interleaved?: boolean
  /** Attention written out: query head h reads key head h mod kvHeads, which is no decoder's way. */
  readonly tiled?: boolean
  /** Weights of d numbers by which each head of queries and of keys is normed: by nodes before the attention, or by GroupQueryAttention itself. */
  readonly norms?:
    | { readonly q: string; readonly k: string; readonly isInside: boolean; readonly epsilon?: number | undefined }
    | undefined
  /** GroupQueryAttention: past and present are rings of the runtime's. */
  readonly isRuntimeWindow?: boolean
}

/** Tensors that all layers share: rotary tables, and for each dialect the lengths or masks that it asks for. */
export interface Shared {
  readonly seqlens?: string
  readonly total?: string
  readonly cos: string
  readonly sin: string
  /** Cosines and sines at the tokens' places, 1 × 1 × S × d. */
  readonly turned?: readonly [string, string]
  /** A mask of additive floats, 1 × 1 × S × T, for a window or none. */
  readonly maskOf: (window: number | undefined) => string
}

/** Inputs of the graph, and tables of `places` places. */
export function emitShared(
  b: GraphBuilder,
  dialect: Dialect,
  {
    d,
    places,
    ropeBase,
    type,
    ownPlaces = false,
  }: { d: number; places: number; ropeBase: number; type: ElementType; ownPlaces?: boolean },
): Shared {
  const half = d / 2
  const table = (f: (x: number) => number) =>
    Float32Array.from({ length: places * half }, (_, i) =>
      f(Math.floor(i / half) * ropeBase ** ((-2 * (i % half)) / d)),
    )
  const cos = b.constant('cos_cache', [places, half], typed(table(Math.cos), type))
  const sin = b.constant('sin_cache', [places, half], typed(table(Math.sin), type))
  b.input('attention_mask', 'i64', [1, 'total'])
  const shared = { cos, sin }
  if (dialect === 'gqa' || dialect === 'gqa-packed') {
    const sum = b.op('ReduceSum', ['attention_mask', b.ints(1)], { keepdims: 0 })
    const seqlens = b.op('Cast', [b.op('Sub', [sum, b.int(1)])], { to: 6 })
    const total = b.op('Cast', [b.op('Gather', [b.op('Shape', ['attention_mask']), b.int(1)])], { to: 6 })
    return { ...shared, seqlens, total, maskOf: () => '' }
  }
  if (ownPlaces) emitPlaces(b)
  else b.input('position_ids', 'i64', [1, 'sequence'])
  const at = (name: string) => {
    const own = b.op('Gather', [name, 'position_ids'])
    return b.op('Unsqueeze', [b.op('Concat', [own, own], { axis: -1 }), b.ints(1)])
  }
  const masks = new Map<number | undefined, string>()
  const maskOf = (window: number | undefined) => {
    const made = masks.get(window) ?? emitMask(b, window, type)
    masks.set(window, made)
    return made
  }
  return { ...shared, ...(dialect !== 'mha' && { turned: [at(cos), at(sin)] as const }), maskOf }
}

/** Places of the tokens, counted from the length of the past. */
function emitPlaces(b: GraphBuilder): void {
  const past = b.op('Gather', [b.op('Shape', ['past_key_values.0.key']), b.int(2)])
  const count = b.op('Gather', [b.op('Shape', ['input_ids']), b.int(1)])
  const places = b.op('Range', [past, b.op('Add', [past, count]), b.int(1)])
  b.op('Unsqueeze', [places, b.ints(0)], {}, 'position_ids')
}

/** Emits a mask as exporters write it: places of keys beside places of queries, and padding. */
function emitMask(b: GraphBuilder, window: number | undefined, type: ElementType): string {
  const total = b.op('Gather', [b.op('Shape', ['attention_mask']), b.int(1)])
  const keys = b.op('Range', [b.int(0), total, b.int(1)])
  const queries = b.op('Unsqueeze', ['position_ids', b.ints(2)]) // 1 × S × 1
  let isSeen = b.op('LessOrEqual', [keys, queries])
  if (window !== undefined)
    isSeen = b.op('And', [isSeen, b.op('Greater', [keys, b.op('Sub', [queries, b.int(window)])])])
  const isToken = b.op('Cast', [b.op('Unsqueeze', ['attention_mask', b.ints(1)])], { to: 9 })
  const visible = b.op('Unsqueeze', [b.op('And', [isSeen, isToken]), b.ints(1)])
  return b.op('Where', [visible, b.float(0, type), b.float(type === 'f16' ? -65504 : -3e38, type)])
}

/** Writes the nodes; returns rows, 1 × S × heads·d. Past and present are `past_key_values.L.key` and so on. */
export function emitAttention(b: GraphBuilder, own: EmittedAttention, shared: Shared): string {
  const { layer, dialect, kvHeads, d, type } = own
  if (own.reads !== undefined)
    return groupQuery(
      b,
      own,
      shared,
      [`present.${own.reads}.key`, `present.${own.reads}.value`],
      own.isBare ? [] : [`shared.${layer}.key`, `shared.${layer}.value`],
    )
  const past = ['key', 'value'].map((part) =>
    b.input(`past_key_values.${layer}.${part}`, type, [1, kvHeads, 'past', d]),
  )
  const present = ['key', 'value'].map((part) => b.output(`present.${layer}.${part}`, type, [1, kvHeads, 'total', d]))
  if (dialect === 'decomposed') return decomposed(b, own, shared, past, present)
  if (dialect === 'mha') return multiHead(b, own, shared, past, present)
  if (dialect === 'attention-rows') return standardRows(b, own, shared, past, present)
  if (dialect === 'attention') return standard(b, own, shared, past, present)
  return groupQuery(b, own, shared, past, present)
}

function groupQuery(
  b: GraphBuilder,
  own: EmittedAttention,
  { seqlens, total, cos, sin }: Shared,
  past: string[],
  present: string[],
): string {
  const { layer, dialect, v, heads, kvHeads, scale, softcap, window, sinks, type, norms } = own
  const isInside = norms?.isInside ?? false
  const q = norms && !isInside ? normed(b, own.q, norms.q, heads, norms.epsilon) : own.q
  const k = norms && !isInside && own.reads === undefined ? normed(b, own.k, norms.k, kvHeads, norms.epsilon) : own.k
  const rows = dialect === 'gqa' ? [q, k, v] : [b.op('Concat', [q, k, v], { axis: -1 }), '', '']
  const sink = sinks ? b.constant(`sink.${layer}`, [heads], typed(sinks, type)) : ''
  const more = ['', '', sink, ...(norms && isInside ? ['', '', norms.q, norms.k] : [])]
  const attended = `attended.${layer}`
  b.node({
    op: 'GroupQueryAttention',
    domain: 'com.microsoft',
    inputs: [...rows, ...past, seqlens!, total!, cos, sin, ...(sinks || isInside ? more : [])],
    outputs: [attended, ...present],
    attributes: {
      num_heads: heads,
      kv_num_heads: kvHeads,
      do_rotary: 1,
      rotary_interleaved: own.interleaved ? 1 : 0,
      scale: { float: scale },
      ...(softcap !== undefined && { softcap: { float: softcap } }),
      ...(window !== undefined && { local_window_size: window }),
      ...(own.isRuntimeWindow && { sliding_window_cache: 1 }),
      ...(isInside && norms!.epsilon !== undefined && { qk_norm_epsilon: { float: norms!.epsilon } }),
    },
  })
  return attended
}

/** Rows of heads, each head normed. */
function normed(b: GraphBuilder, rows: string, weight: string, heads: number, epsilon = 1e-6): string {
  const parts = b.op('Reshape', [rows, b.ints(0, 0, heads, -1)])
  const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 }
  return b.op('Reshape', [b.op('SimplifiedLayerNormalization', [parts, weight], attributes), b.ints(0, 0, -1)])
}

function multiHead(
  b: GraphBuilder,
  own: EmittedAttention,
  { cos, sin, maskOf }: Shared,
  past: string[],
  present: string[],
): string {
  const { layer, q, k, v, heads, window, scale } = own
  const turn = (rows: string) => {
    const out = `${rows}.turned`
    b.node({
      op: 'RotaryEmbedding',
      domain: 'com.microsoft',
      inputs: [rows, 'position_ids', cos, sin],
      outputs: [out],
      attributes: { num_heads: heads },
    })
    return out
  }
  const attended = `attended.${layer}`
  const mask = window === undefined ? '' : maskOf(window)
  b.node({
    op: 'MultiHeadAttention',
    domain: 'com.microsoft',
    inputs: [turn(q), turn(k), v, '', '', mask, ...past],
    outputs: [attended, ...present],
    attributes: { num_heads: heads, scale: { float: scale }, unidirectional: window === undefined ? 1 : 0 },
  })
  return attended
}

/** The same over rows, with the operator's own rule of what is seen where there is no window. */
function standardRows(
  b: GraphBuilder,
  own: EmittedAttention,
  { cos, sin, maskOf }: Shared,
  past: string[],
  present: string[],
): string {
  const { layer, q, k, v, heads, kvHeads, scale, softcap, window } = own
  const turn = (rows: string, num_heads: number) => {
    const inputs = [rows, 'position_ids', cos, sin]
    const outputs = [`${rows}.turned`]
    b.node({ op: 'RotaryEmbedding', domain: 'com.microsoft', inputs, outputs, attributes: { num_heads } })
    return outputs[0]
  }
  const attended = `attended.${layer}`
  b.node({
    op: 'Attention',
    inputs: [turn(q, heads), turn(k, kvHeads), v, window === undefined ? '' : maskOf(window), ...past],
    outputs: [attended, ...present],
    attributes: {
      q_num_heads: heads,
      kv_num_heads: kvHeads,
      is_causal: window === undefined ? 1 : 0,
      scale: { float: scale },
      ...(softcap !== undefined && { softcap: { float: softcap } }),
    },
  })
  return attended
}

function standard(b: GraphBuilder, own: EmittedAttention, shared: Shared, past: string[], present: string[]): string {
  const { layer, q, k, v, heads, kvHeads, d, scale, softcap, window } = own
  const turn = (rows: string, count: number) => rotated(b, split(b, rows, count, d), d, shared)
  const attended = `attended.${layer}`
  b.node({
    op: 'Attention',
    inputs: [turn(q, heads), turn(k, kvHeads), split(b, v, kvHeads, d), shared.maskOf(window), ...past],
    outputs: [attended, ...present],
    attributes: { scale: { float: scale }, ...(softcap !== undefined && { softcap: { float: softcap } }) },
  })
  return joined(b, attended, heads * d)
}

function decomposed(b: GraphBuilder, own: EmittedAttention, shared: Shared, past: string[], present: string[]): string {
  const { layer, q, k, v, heads, kvHeads, d, scale, softcap, window, sinks, type } = own
  const turn = (rows: string, count: number) => rotated(b, split(b, rows, count, d), d, shared)
  const queries = turn(q, heads)
  b.op('Concat', [past[0], turn(k, kvHeads)], { axis: 2 }, present[0])
  b.op('Concat', [past[1], split(b, v, kvHeads, d)], { axis: 2 }, present[1])
  const [keys, values] = present.map((held) =>
    own.tiled ? b.op('Tile', [held, b.ints(1, heads / kvHeads, 1, 1)]) : repeated(b, held, heads, kvHeads, d),
  )
  let scores = b.op('Div', [
    b.op('MatMul', [queries, b.op('Transpose', [keys], { perm: [0, 1, 3, 2] })]),
    b.float(1 / scale, type),
  ])
  if (softcap !== undefined)
    scores = b.op('Mul', [b.op('Tanh', [b.op('Div', [scores, b.float(softcap, type)])]), b.float(softcap, type)])
  scores = b.op('Add', [scores, shared.maskOf(window)])
  let shares: string
  if (sinks) {
    const sink = b.constant(`sink.${layer}`, [1, heads, 1, 1], typed(sinks, type))
    const length = b.op('Shape', ['position_ids'])
    const size = b.op('Concat', [b.ints(1), b.ints(heads), b.op('Slice', [length, b.ints(1), b.ints(2)]), b.ints(1)], {
      axis: 0,
    })
    const all = b.op('Softmax', [b.op('Concat', [scores, b.op('Expand', [sink, size])], { axis: -1 })], { axis: -1 })
    shares = b.op('Slice', [all, b.ints(0), b.ints(-1), b.ints(3)])
  } else shares = b.op('Softmax', [scores], { axis: -1 })
  return joined(b, b.op('MatMul', [shares, values]), heads * d)
}

/** 1 × S × count·d to 1 × count × S × d. */
function split(b: GraphBuilder, rows: string, count: number, d: number): string {
  return b.op('Transpose', [b.op('Reshape', [rows, b.ints(1, -1, count, d)])], { perm: [0, 2, 1, 3] })
}

function joined(b: GraphBuilder, heads: string, width: number): string {
  return b.op('Reshape', [b.op('Transpose', [heads], { perm: [0, 2, 1, 3] }), b.ints(1, -1, width)])
}

function rotated(b: GraphBuilder, x: string, d: number, { turned }: Shared): string {
  const low = b.op('Slice', [x, b.ints(0), b.ints(d / 2), b.ints(3)])
  const high = b.op('Slice', [x, b.ints(d / 2), b.ints(d), b.ints(3)])
  const other = b.op('Concat', [b.op('Neg', [high]), low], { axis: -1 })
  return b.op('Add', [b.op('Mul', [x, turned![0]]), b.op('Mul', [other, turned![1]])])
}

/** Each head of 1 × kvHeads × T × d for all its groups. */
function repeated(b: GraphBuilder, held: string, heads: number, kvHeads: number, d: number): string {
  if (heads === kvHeads) return held
  const wide = b.op('Unsqueeze', [held, b.ints(2)])
  const length = b.op('Gather', [b.op('Shape', [held]), b.ints(2)])
  const size = b.op('Concat', [b.ints(1), b.ints(kvHeads), b.ints(heads / kvHeads), length, b.ints(d)], { axis: 0 })
  return b.op('Reshape', [b.op('Expand', [wide, size]), b.ints(1, heads, -1, d)])
}

const typed = (data: Float32Array, type: ElementType) => (type === 'f16' ? toHalf(data) : data)
