import * as ort from 'onnxruntime-node'
import type { InferenceSession, Tensor } from 'onnxruntime-common'

/** A graph run whole by onnxruntime, with its own growing cache: what the segments are compared with. */
export interface WholeGraph {
  readonly session: InferenceSession
  /** Logits of every token, rows × vocabulary. */
  read(ids: readonly number[]): Promise<{ readonly rows: number; readonly cols: number; readonly data: Float32Array }>
}

export async function wholeGraph(
  model: Uint8Array | string,
  options: InferenceSession.SessionOptions = {},
): Promise<WholeGraph> {
  const single = { intraOpNumThreads: 1, ...options }
  const session: InferenceSession = await (typeof model === 'string'
    ? ort.InferenceSession.create(model, single)
    : ort.InferenceSession.create(model, single))
  let past: Record<string, Tensor> = {}
  for (const { name, isTensor, ...rest } of session.inputMetadata) {
    if (!name.startsWith('past_key_values') || !isTensor) continue
    const { type, shape } = rest as { type: 'float32' | 'float16'; shape: (number | string)[] }
    const dims = shape.map((size) => (typeof size === 'number' && size > 0 ? size : 0))
    past[name] = new ort.Tensor(type, type === 'float16' ? new Uint16Array(0) : new Float32Array(0), dims)
  }
  let tokens = 0
  let previous = -1
  return {
    session,
    async read(ids) {
      const places = ids.map((_, i) => tokens + i)
      const total = tokens + ids.length
      const known: Record<string, () => Tensor> = {
        input_ids: () => longs(ids),
        previous_ids: () => longs([previous, ...ids.slice(0, -1)]),
        position_ids: () => longs(places),
        attention_mask: () => longs(Array.from({ length: total }, () => 1)),
      }
      const feeds: Record<string, Tensor> = { ...past }
      for (const name of session.inputNames) if (known[name]) feeds[name] = known[name]()
      const out = await session.run(feeds)
      const before = past
      past = Object.fromEntries(
        Object.keys(past).map((name) => [name, fedAgain(out[name.replace('past_key_values', 'present')] as Tensor)]),
      )
      for (const tensor of Object.values(before)) tensor.dispose() // at once, so that memory does not wait for a collection of garbage
      tokens = total
      previous = ids.at(-1)!
      const { data, dims } = out['logits'] as Tensor
      const floats = data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>)
      return { rows: dims[1], cols: dims[2], data: floats }
    },
  }
}

const longs = (values: readonly number[]) =>
  new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])

/** onnxruntime-node takes its own float16 results as bits alone. */
function fedAgain(tensor: Tensor): Tensor {
  if (tensor.type !== 'float16') return tensor
  const { buffer, byteOffset, length } = tensor.data as Uint16Array
  return Object.assign(new ort.Tensor('float16', new Uint16Array(length), tensor.dims), {
    cpuData: new Uint16Array(buffer as ArrayBuffer, byteOffset, length),
  })
}
