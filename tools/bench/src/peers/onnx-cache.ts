import { InferenceSession, Tensor } from 'onnxruntime-node'
import { onnxModel, type OnnxAttribute, type OnnxValue } from './onnx-model.ts'

/** Number format in which GroupQueryAttention holds keys and values. */
export type OnnxCache = 'float32' | 'int8' | 'int4'

const [FLOAT, UINT8, INT8, INT32] = [1, 2, 3, 6]
/** Value of one step of a code: normal entries lie within ±4. */
const STEP = { int8: 4 / 127, int4: 4 / 7 }

/**
 * onnxruntime-node's GroupQueryAttention on one thread, with one query head for each key head. Resolves to a function that answers one token's
 * queries, where the token is the last
 * of those held. The package binds no buffers, so each call copies the cache into its own; the model gives no cache back, which spares a copy into arrays.
 *
 * @param keys, values  heads × held × d, entries that are rounded where the cache is in codes; queries  heads × d
 */
export async function onnxCache(options: {
  readonly heads: number
  readonly held: number
  readonly d: number
  readonly cache: OnnxCache
  readonly queries: Float32Array
  readonly keys: Float32Array
  readonly values: Float32Array
}): Promise<() => Promise<Float32Array>> {
  const { heads, held, d, cache, queries, keys, values } = options
  const session = await InferenceSession.create(model(options), {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  })
  const own = (entries: Float32Array) => cacheTensor(entries, cache, [1, heads, held, d])
  const [past_key, past_value] = [own(keys), own(values)]
  const token = (of: (h: number) => Float32Array) => {
    const data = new Float32Array(heads * d)
    for (let h = 0; h < heads; h++) data.set(of(h), h * d)
    return new Tensor('float32', data, [1, 1, heads * d])
  }
  const last = (entries: Float32Array) => (h: number) => entries.subarray(((h + 1) * held - 1) * d, (h + 1) * held * d)
  const scale = cache === 'float32' ? {} : scales(STEP[cache])
  const feeds = {
    query: token((h) => queries.subarray(h * d, (h + 1) * d)),
    key: token(last(keys)),
    value: token(last(values)),
    past_key,
    past_value,
    seqlens_k: new Tensor('int32', Int32Array.of(held - 1), [1]),
    total: new Tensor('int32', Int32Array.of(held), [1]),
    ...scale,
  }
  return async () => (await session.run(feeds, ['output']))['output'].data as Float32Array
}

function scales(step: number) {
  const one = () => new Tensor('float32', Float32Array.of(step), [1])
  return { k_scale: one(), v_scale: one() }
}

function cacheTensor(entries: Float32Array, cache: OnnxCache, shape: readonly number[]): Tensor {
  if (cache === 'float32') return new Tensor('float32', entries.slice(), shape)
  const codes = (most: number, step: number) =>
    Int8Array.from(entries, (x) => Math.max(-most - 1, Math.min(most, Math.round(x / step))))
  if (cache === 'int8') return new Tensor('int8', codes(127, STEP.int8), shape)
  const four = codes(7, STEP.int4)
  const packed = Uint8Array.from(
    { length: four.length / 2 },
    (_, i) => (four[2 * i] + 8) | ((four[2 * i + 1] + 8) << 4),
  )
  return new Tensor('uint8', packed, [...shape.slice(0, -1), shape.at(-1)! / 2])
}

function model({ heads, d, cache }: { heads: number; d: number; cache: OnnxCache }): Uint8Array {
  const type = { float32: FLOAT, int8: INT8, int4: UINT8 }[cache]
  const coded = cache !== 'float32'
  const inputs = [
    ...['query', 'key', 'value'].map((name) => any(name, FLOAT, 3)),
    ...['past_key', 'past_value'].map((name) => any(name, type, 4)),
    any('seqlens_k', INT32, 1),
    any('total', INT32, 1),
    ...(coded ? ['k_scale', 'v_scale'].map((name) => any(name, FLOAT, 1)) : []),
  ]
  const outputs = [any('output', FLOAT, 3), any('present_key', type, 4), any('present_value', type, 4)]
  const attribute: OnnxAttribute[] = [
    { name: 'num_heads', i: heads },
    { name: 'kv_num_heads', i: heads },
    { name: 'scale', f: 1 / Math.sqrt(d) },
    ...(coded
      ? [
          { name: 'kv_cache_bit_width', i: cache === 'int8' ? 8 : 4 },
          { name: 'k_quant_type', s: 'PER_TENSOR' },
          { name: 'v_quant_type', s: 'PER_TENSOR' },
        ]
      : []),
  ]
  const named = inputs.slice(0, 7).map(({ name }) => name)
  const input = coded ? [...named, '', '', '', '', '', 'k_scale', 'v_scale'] : named
  return onnxModel('GroupQueryAttention', { input, attribute, inputs, outputs })
}

/** A tensor whose sizes are left open. */
function any(name: string, elem: number, rank: number): OnnxValue {
  return { name, elem, dims: Array.from({ length: rank }, (_, i) => `${name}_${i}`) }
}
