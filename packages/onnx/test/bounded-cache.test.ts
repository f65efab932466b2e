// boundedCache under `generate` of transformers.js itself, on random decoders. Truth: generate with its own cache while nothing is cut; and for one
// layer, whose keys and values are functions of their own token, the whole graph run on a text of the tokens that are held.
// Kills: masks of the text's length, keys that keep the places they had, places that count the cache where they are an input, a cut that forgets
// tables that scale, entries beside keys and values that are cut, a prompt that is read at once, a turn of a talk read twice.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AutoModelForCausalLM, DynamicCache, env, Tensor } from '@huggingface/transformers'
import * as ort from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boundedCache, type BoundedCacheOptions, type HubModel } from '../src/bounded-cache'
import { cacheGraph } from '../src/cache-graph'
import { farthestKeys, sinksAndNewest } from '../src/cache-policy'
import { differs } from './models/differs'
import { opsetOf } from './models/emit-attention'
import { llama, type LlamaOptions } from './models/llama'
import { wholeGraph } from './models/whole-graph'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'sublinear-hub-'))
  Object.assign(env, { allowRemoteModels: false, localModelPath: `${root}/`, useBrowserCache: false })
})
afterAll(() => rmSync(root, { recursive: true }))

let made = 0
async function opened(options: LlamaOptions) {
  const name = `m${made++}`
  const layers = options.layers ?? 3
  const bytes = llama(options).files({ opset: opsetOf(options.dialect) })['model.onnx']
  mkdirSync(join(root, name, 'onnx'), { recursive: true })
  writeFileSync(join(root, name, 'onnx/model.onnx'), bytes)
  const config = {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    num_hidden_layers: layers,
    num_attention_heads: 8,
    num_key_value_heads: 2,
    hidden_size: 32,
    head_dim: options.d ?? 16,
    vocab_size: 61,
    bos_token_id: 1,
    eos_token_id: 999,
  }
  writeFileSync(join(root, name, 'config.json'), JSON.stringify(config))
  writeFileSync(join(root, name, 'generation_config.json'), JSON.stringify({ bos_token_id: 1, eos_token_id: 999 }))
  const session_options = { intraOpNumThreads: 1, logSeverityLevel: 3 as const }
  const model = await AutoModelForCausalLM.from_pretrained(name, { dtype: 'fp32', session_options })
  return { model, bytes, graph: await cacheGraph({ model: bytes, ort, session: session_options }) }
}
type Opened = Awaited<ReturnType<typeof opened>>

const idsOf = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => (((i + from) * 31 + ((i + from) % 7) * 5) % 59) + 2)
const long = (values: readonly number[]) =>
  new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
const longs = (values: readonly number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
const numbers = (ids: unknown) => ((ids as Tensor).tolist() as bigint[][])[0].map(Number)

function cacheOf({ model, graph }: Opened, options: Omit<BoundedCacheOptions, 'graph'>) {
  return boundedCache(model as unknown as HubModel, { graph, ...options })
}
async function said({ model }: Opened, ids: readonly number[], count: number, cache: unknown) {
  const out = await model.generate({
    input_ids: longs(ids),
    attention_mask: longs(ids.map(() => 1)),
    max_new_tokens: count,
    do_sample: false,
    past_key_values: cache,
  } as never)
  return numbers(out).slice(ids.length)
}
/** Logits of the last token of a part, by the model's forward. */
async function logitsAfter({ model }: Opened, ids: readonly number[], cache: ReturnType<typeof cacheOf>) {
  const outputs = (await model.forward({ input_ids: longs(ids), past_key_values: cache } as never)) as Record<
    string,
    Tensor
  >
  cache.update(
    Object.fromEntries(
      Object.entries(outputs)
        .filter(([name]) => name.startsWith('present'))
        .map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor as never]),
    ),
  )
  const { data, dims } = outputs['logits']
  return (data as Float32Array).slice(-dims[2])
}

describe('a bounded cache under generate', () => {
  it.each(['gqa', 'gqa-packed', 'attention-rows', 'decomposed'] as const)(
    'says what generate says, while nothing is cut: %s',
    async (dialect) => {
      const own = await opened({ dialect })
      const truth = await said(own, idsOf(40), 20, new DynamicCache())
      const cache = cacheOf(own, { budget: 64, every: 8 })
      expect(await said(own, idsOf(40), 20, cache)).toEqual(truth)
      expect([cache.held, cache.get_seq_length()]).toEqual([59, 59])
      expect(cache.bytes).toBe(59 * 3 * 2 * 2 * 16 * 4)
      expect(await said(own, idsOf(40), 20, new DynamicCache())).toEqual(truth) // other caches pass through
    },
  )
  it.each(['gqa', 'decomposed'] as const)(
    'holds at most budget + every, beyond the tables’ end: %s',
    async (dialect) => {
      const own = await opened({ dialect, places: dialect === 'gqa' ? 64 : 512 })
      const cache = cacheOf(own, { budget: 24, every: 16, policy: farthestKeys({ newest: 8 }) })
      let most = 0
      const { update } = cache
      Object.defineProperty(cache, 'update', {
        value(entries: never) {
          update.call(cache, entries)
          most = Math.max(most, cache.held)
        },
      })
      expect((await said(own, idsOf(150), 60, cache)).length).toBe(60)
      expect([most <= 40, most > 24, cache.get_seq_length()]).toEqual([true, true, 209])
    },
  )
  it('goes on with a talk where it stands', async () => {
    const own = await opened({ dialect: 'gqa' })
    const cache = cacheOf(own, { budget: 200, every: 8 })
    const first = await said(own, idsOf(20), 10, cache)
    const all = [...idsOf(20), ...first, ...idsOf(7, 100)]
    expect(await said(own, all, 10, cache)).toEqual(await said(own, all, 10, new DynamicCache()))
    expect(cache.get_seq_length()).toBe(20 + 10 + 7 + 9)
  })
})

describe('after a cut', () => {
  const ids = idsOf(90)
  it.each([
    ['gqa', {}],
    ['gqa-packed', { interleaved: true }],
    ['gqa', { d: 32, turned: 16 }],
  ] as const)('the graph that turns keys answers as to a text of the tokens held: %s %o', async (dialect, more) => {
    const own = await opened({ dialect, layers: 1, ...more })
    const cache = cacheOf(own, { budget: 20, every: 10, policy: sinksAndNewest({ sinks: 3 }) })
    await logitsAfter(own, ids.slice(0, 77), cache) // parts of ten: held 30, cut to 20 before each
    for (let at = 77; at < 90; at++) {
      const logits = await logitsAfter(own, [ids[at]], cache)
      const newest = cache.held - 3
      const held = [...ids.slice(0, 3), ...ids.slice(at + 1 - newest, at + 1)]
      const whole = await wholeGraph(own.bytes)
      const { data, cols } = await whole.read(held)
      expect(differs(logits, data.slice(-cols))).toBeLessThan(1e-5)
      await whole.session.release()
    }
  })
  it.each(['mha', 'attention-rows', 'decomposed'] as const)(
    'places that are an input stay those of the text: %s',
    async (dialect) => {
      const own = await opened({ dialect, layers: 1, ...(dialect === 'mha' && { kvHeads: 8 }) })
      const cache = cacheOf(own, { budget: 20, every: 10, policy: sinksAndNewest({ sinks: 3 }) })
      await logitsAfter(own, ids.slice(0, 77), cache)
      const session = await ort.InferenceSession.create(own.bytes, { logSeverityLevel: 3 })
      for (let at = 77; at < 90; at++) {
        const logits = await logitsAfter(own, [ids[at]], cache)
        const places = Array.from({ length: cache.held }, (_, i) => (i < 3 ? i : at + 1 - cache.held + i))
        const none = new ort.Tensor('float32', new Float32Array(0), [1, dialect === 'mha' ? 8 : 2, 0, 16])
        // each token alone, so that no mask by place hides one
        let past = { 'past_key_values.0.key': none as ort.Tensor, 'past_key_values.0.value': none as ort.Tensor }
        let last: ort.Tensor | undefined
        for (const [i, place] of places.entries()) {
          const feeds: Record<string, ort.Tensor> = {
            input_ids: long([ids[place]]),
            position_ids: long([place]),
            ...past,
          }
          if (session.inputNames.includes('attention_mask'))
            feeds['attention_mask'] = long(Array.from({ length: i + 1 }, () => 1))
          const out = await session.run(feeds)
          past = {
            'past_key_values.0.key': out['present.0.key'] as ort.Tensor,
            'past_key_values.0.value': out['present.0.value'] as ort.Tensor,
          }
          last = out['logits'] as ort.Tensor
        }
        expect(differs(logits, last!.data as Float32Array)).toBeLessThan(1e-5)
      }
      await session.release()
    },
  )
  it('a layer with a window keeps its newest tokens, whatever the policy', async () => {
    const own = await opened({ dialect: 'gqa', layers: 1, window: 12 })
    const cache = cacheOf(own, { budget: 20, every: 10, policy: () => Array.from({ length: 20 }, (_, i) => i) })
    await logitsAfter(own, ids.slice(0, 80), cache)
    const whole = await wholeGraph(own.bytes)
    await whole.read(ids.slice(0, 80))
    for (let at = 80; at < 90; at++) {
      const { data } = await whole.read([ids[at]])
      expect(differs(await logitsAfter(own, [ids[at]], cache), data)).toBeLessThan(1e-5)
    }
  })
  it('entries that are no keys or values stay as they are', async () => {
    const own = await opened({ dialect: 'gqa', layers: 1 })
    const cache = cacheOf(own, { budget: 8, every: 4 })
    await said(own, idsOf(3), 2, cache)
    const state = new Tensor('float32', new Float32Array(60), [1, 2, 30, 1])
    cache.update({ 'past_conv.0': state as never })
    await said(own, idsOf(30), 5, cache)
    expect((cache as unknown as Record<string, unknown>)['past_conv.0']).toBe(state)
    expect(cache.held).toBeLessThanOrEqual(12)
  })
})

describe('float16', () => {
  it('is cut as float32 is', async () => {
    const own = await opened({ dialect: 'gqa', layers: 1, half: true })
    const cache = cacheOf(own, { budget: 20, every: 10, policy: sinksAndNewest({ sinks: 3 }) })
    const ids = idsOf(60)
    await logitsAfter(own, ids.slice(0, 59), cache)
    const logits = await logitsAfter(own, ids.slice(59), cache)
    const whole = await wholeGraph(own.bytes)
    const { data, cols } = await whole.read([...ids.slice(0, 3), ...ids.slice(60 - cache.held + 3)])
    expect(differs(Float32Array.from(logits), Float32Array.from(data.slice(-cols)))).toBeLessThan(5e-3)
    expect(cache.bytes).toBe(cache.held * 2 * 2 * 16 * 2)
  })
})

describe('refusals', () => {
  it('of graphs whose places or windows a shorter cache makes wrong, by name', async () => {
    await expect(opened({ dialect: 'decomposed', ownPlaces: true })).rejects.toThrow(
      /counts places by the length of its cache/,
    )
    await expect(opened({ dialect: 'decomposed', window: 11 })).rejects.toThrow(/mask tells a window/)
  })
  it('of batches, policies that choose otherwise, and sizes that are none', async () => {
    const own = await opened({ dialect: 'gqa', layers: 1 })
    expect(() => cacheOf(own, { budget: 0 })).toThrow(RangeError)
    expect(() => cacheOf(own, { budget: 4, every: 1.5 })).toThrow(RangeError)
    for (const policy of [() => [0, 1], () => [1, 0, 2, 3], () => [0, 1, 2, 99]]) {
      const cache = cacheOf(own, { budget: 4, every: 2, policy })
      await expect(said(own, idsOf(9), 3, cache)).rejects.toThrow(/policy must choose 4 rows/)
    }
    const two = new Tensor('int64', BigInt64Array.from([2n, 3n]), [2, 1])
    await expect(
      own.model.forward({ input_ids: two, past_key_values: cacheOf(own, { budget: 4 }) } as never),
    ).rejects.toThrow(/one text at a time/)
  })
})
