import { toHalf } from '@sublinear/core'
import { emitAttention, emitShared, type Dialect } from './emit-attention.ts'
import { graphBuilder, type GraphBuilder } from './graph-builder.ts'

export interface LlamaOptions {
  readonly dialect: Dialect
  readonly layers?: number
  readonly width?: number
  readonly heads?: number
  readonly kvHeads?: number
  readonly d?: number
  readonly hidden?: number
  readonly vocabulary?: number
  readonly softcap?: number
  /** The window of every other layer, from the first on. */
  readonly window?: number
  readonly sinks?: boolean
  /** Rows of the rotary tables. */
  readonly places?: number
  /** GroupQueryAttention: pairs of neighbours turn, and only so many columns. */
  readonly interleaved?: boolean
  readonly turned?: number
  readonly tiled?: boolean
  /** Places are counted from the length of the past, and are no input. */
  readonly ownPlaces?: boolean
  /** The logits are no linear map alone. */
  readonly gated?: boolean
  readonly half?: boolean
  /** Four-bit weights (MatMulNBits). */
  readonly nibbles?: boolean
  /** The head in four bits too, and the embedding in float16, as graphs of a large vocabulary have them. */
  readonly smallEnds?: boolean
  /** GroupQueryAttention: so many last layers have no keys of their own, and read those of the last layer before with the same window. */
  readonly sharing?: number
  readonly bareSharing?: boolean
  /** … and keys of their own behind them, which no model has. */
  readonly ownRows?: boolean
  /** GroupQueryAttention: heads of queries and keys are normed, by nodes before it or by the operator itself. */
  readonly norms?: 'inside' | 'outside'
  readonly normEpsilon?: number
  /** A window of every layer whose cache onnxruntime keeps at that length itself (sliding_window_cache). */
  readonly runtimeWindow?: number
}

/** A random-weight decoder of Llama's shape. Its graph; `builder.files()` writes it. */
export function llama(options: LlamaOptions): GraphBuilder {
  const { turned, interleaved = false, tiled = false, ownPlaces = false, gated = false } = options
  const { dialect, layers = 3, width = 32, heads = 8, kvHeads = dialect === 'mha' ? heads : 2, d = 16 } = options
  const {
    hidden = 48,
    vocabulary = 61,
    softcap,
    window,
    sinks = false,
    places = 512,
    half = false,
    nibbles = false,
    smallEnds = false,
    runtimeWindow,
    sharing = 0,
    bareSharing = false,
    ownRows = false,
    norms,
    normEpsilon,
  } = options
  const b = graphBuilder()
  const random = randomOf(12_345)
  const type = half ? 'f16' : 'f32'
  const constant = (name: string, dims: number[], data: Float32Array) =>
    b.constant(name, dims, half ? toHalf(data) : data)
  const weights = (name: string, rows: number, cols: number) =>
    constant(
      name,
      [rows, cols],
      Float32Array.from({ length: rows * cols }, () => (random() * 1.7) / Math.sqrt(rows)),
    )
  const linear = (x: string, name: string, rows: number, cols: number) => {
    if (!nibbles) return b.op('MatMul', [x, weights(name, rows, cols)])
    const codes = Uint8Array.from({ length: (rows * cols) / 2 }, () => (random() + 1) * 127.9)
    const scales = new Float32Array((rows * cols) / 32).fill(0.35 / Math.sqrt(rows))
    const inputs = [
      x,
      b.constant(`${name}.codes`, [cols, rows / 32, 16], codes),
      b.constant(`${name}.scales`, [scales.length], scales),
    ]
    b.node({
      op: 'MatMulNBits',
      domain: 'com.microsoft',
      inputs,
      outputs: [`${name}.out`],
      attributes: { K: rows, N: cols, bits: 4, block_size: 32, accuracy_level: 4 },
    })
    return `${name}.out`
  }
  b.input('input_ids', 'i64', [1, 'sequence'])
  const shared = emitShared(b, dialect, { d: turned ?? d, places, ropeBase: 1e4, type, ownPlaces })
  let x: string
  if (smallEnds) {
    const table = new Uint16Array(vocabulary * width)
    for (let row = 0; row < vocabulary; row += 64)
      // in parts: a float32 table of a large vocabulary is half a gigabyte
      table.set(
        toHalf(Float32Array.from({ length: Math.min(64, vocabulary - row) * width }, () => random())),
        row * width,
      )
    x = b.op('Cast', [b.op('Gather', [b.constant('embedding', [vocabulary, width], table), 'input_ids'])], { to: 1 })
  } else x = b.op('Gather', [weights('embedding', vocabulary, width), 'input_ids'])
  const norm = (name: string) => {
    const gain = Float32Array.from({ length: width }, () => 1 + 0.1 * random())
    return b.op('SimplifiedLayerNormalization', [x, constant(name, [width], gain)], {
      axis: -1,
      epsilon: { float: 1e-5 },
      stash_type: 1,
    })
  }
  /** Weights of the norms of a layer's heads. */
  const normsOf = (layer: number) => {
    const own = (part: string) =>
      constant(
        `${part}.${layer}`,
        [d],
        Float32Array.from({ length: d }, () => 1 + 0.5 * random()),
      )
    return { q: own('q_norm'), k: own('k_norm'), isInside: norms === 'inside', epsilon: normEpsilon }
  }
  /** Keys and values of a layer, or where it reads those of another. */
  const keysOf = (layer: number, h: string) => {
    const own = layers - sharing
    if (layer < own)
      return {
        k: linear(h, `k.${layer}`, width, kvHeads * d),
        v: linear(h, `v.${layer}`, width, kvHeads * d),
      }
    if (ownRows) {
      const rows = linear(h, `k.${layer}`, width, kvHeads * d)
      return { k: rows, v: rows, reads: own - 1 }
    }
    const none = b.constant(`none.${layer}`, [1, 0, kvHeads * d], half ? new Uint16Array(0) : new Float32Array(0))
    const reads = (layer - own) % 2 === 0 ? own - 2 : own - 1
    return { k: none, v: none, reads, isBare: bareSharing }
  }
  for (let layer = 0; layer < layers; layer++) {
    const h = norm(`norm.${layer}`)
    const attended = emitAttention(
      b,
      {
        layer,
        dialect,
        interleaved,
        tiled,
        heads,
        kvHeads,
        d,
        softcap,
        type,
        q: linear(h, `q.${layer}`, width, heads * d),
        ...keysOf(layer, h),
        scale: 1 / Math.sqrt(d),
        window: runtimeWindow ?? (layer % 2 === 0 ? window : undefined),
        isRuntimeWindow: runtimeWindow !== undefined,
        norms: norms && normsOf(layer),
        sinks: sinks ? Float32Array.from({ length: heads }, () => 2 * random()) : undefined,
      },
      shared,
    )
    x = b.op('Add', [x, linear(attended, `o.${layer}`, heads * d, width)])
    const inner = norm(`inner.${layer}`)
    const gate = linear(inner, `gate.${layer}`, width, hidden)
    const up = linear(inner, `up.${layer}`, width, hidden)
    const product = b.op('Mul', [b.op('Mul', [gate, b.op('Sigmoid', [gate])]), up])
    x = b.op('Add', [x, linear(product, `down.${layer}`, hidden, width)])
  }
  const last = norm('norm.last')
  const logits = smallEnds
    ? b.op('Identity', [linear(last, 'head', width, vocabulary)], {}, 'logits')
    : b.op('MatMul', [last, weights('head', width, vocabulary)], {}, gated ? 'before' : 'logits')
  if (gated) b.op('Mul', [logits, b.op('Sigmoid', [logits])], {}, 'logits')
  b.output('logits', type, [1, 'sequence', vocabulary])
  return b
}

/** Numbers from −1 to 1: a fixed sequence. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 31 - 1
  }
}
