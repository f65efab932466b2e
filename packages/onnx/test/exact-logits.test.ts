import { exactStream } from '@sublinear/exact-attention'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { filesInMemory } from '../src/model-files'
import { onnxModel, type OnnxModel } from '../src/onnx-model'
import type { HeadSpec } from '../src/reader'
import { differs } from './models/differs'
import { DIALECTS, opsetOf } from './models/emit-attention'
import { llama, type LlamaOptions } from './models/llama'
import { wholeGraph } from './models/whole-graph'

// Logits of segments with exact streams against the whole graph, run by onnxruntime with its own growing cache: the truth from outside.
// Kills: heads taken from the wrong group, a rotation by the wrong place or pairing, a window one token too long, a soft cap left out, a mask that is
// taken for causal, logits of the wrong row of a block.

const session = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const
const IDS = Array.from({ length: 90 }, (_, i) => (i * 31 + (i % 7) * 5) % 61)
const CUTS = { 'one block': [90], 'ragged blocks': [40, 1, 17, 1, 1, 30], 'single tokens': IDS.map(() => 1) }

/** Four first tokens and the newest 20. */
const bounded: HeadSpec = (shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 20 })] })

async function compared(
  options: LlamaOptions,
  cuts: Readonly<Record<string, readonly number[]>> = CUTS,
): Promise<OnnxModel> {
  const opset = opsetOf(options.dialect)
  const files = llama(options).files({ opset, data: 'weights.bin', shuffle: true })
  const path = { 'model.onnx': files['model.onnx'], 'weights.bin': files['weights.bin'] }
  const externalData = [{ path: 'weights.bin', data: files['weights.bin'] }]
  const model = await onnxModel({ model: filesInMemory(path), ort, session })
  for (const [name, cut] of Object.entries(cuts)) {
    const whole = await wholeGraph(files['model.onnx'], { externalData })
    const reader = model.reader({ stream: exactStream })
    let from = 0
    for (const count of cut) {
      const ids = IDS.slice(from, from + count)
      const truth = await whole.read(ids)
      const { data } = await reader.read(ids, 'all')
      expect(differs(data, truth.data), name).toBeLessThan(1e-5)
      from += count
    }
    expect(reader.tokens).toBe(IDS.length)
    expect(reader.cacheBytes).toBe(IDS.length * 3 * model.layers[0].kvHeads * 2 * model.layers[0].shape.d * 4)
    reader[Symbol.dispose]()
    await whole.session.release()
  }
  return model
}

describe('logits with exact streams', () => {
  it.each(DIALECTS)('are those of the whole graph: %s', async (dialect) => {
    const { layers, vocabulary, release } = await compared({ dialect })
    expect([layers.length, vocabulary, layers[0].heads]).toEqual([3, 61, 8])
    await release()
  })
  it.each(DIALECTS)('with windows in every other layer: %s', async (dialect) => {
    const { layers, release } = await compared({ dialect, window: 11 })
    expect(layers.map(({ shape }) => shape.window)).toEqual([11, undefined, 11])
    await release()
  })
  it.each(DIALECTS.filter((dialect) => dialect !== 'mha'))('with soft caps: %s', async (dialect) => {
    const { layers, release } = await compared({ dialect, softcap: 0.5 })
    expect(layers[0].shape.softcap).toBeCloseTo(0.5, 6)
    await release()
  })
  it.each(['gqa', 'gqa-packed', 'decomposed'] as const)('with sinks, caps and windows: %s', async (dialect) => {
    await (await compared({ dialect, softcap: 2, window: 5, sinks: true })).release()
  })
  it.each([
    ['pairs of neighbours', { interleaved: true }],
    ['a part of the columns', { d: 32, turned: 16 }],
    ['one key head for all', { kvHeads: 1 }],
    ['a key head for each', { kvHeads: 8 }],
    ['a head that is no linear map', { gated: true }],
  ] as const)('with %s', async (_, more) => {
    for (const dialect of ['gqa', 'gqa-packed'] as const) await (await compared({ dialect, ...more })).release()
  })
  it.each(['mha', 'attention', 'decomposed'] as const)(
    'with places that the graph counts itself: %s',
    async (dialect) => {
      await (await compared({ dialect, ownPlaces: true, window: 11 })).release()
    },
  )

  // Layers that read the keys of a layer before, as in Gemma 4: of six, the last ones. Kills: keys counted twice, a window of the wrong layer, a block's tokens seen before their turn.
  it.each([
    ['one cut', { sharing: 2 }],
    ['windows', { sharing: 4, window: 11 }],
    ['soft caps and one key head', { sharing: 2, kvHeads: 1, softcap: 2 }],
  ] as const)('with layers that read the keys of another: %s', async (_, more) => {
    const files = llama({ dialect: 'gqa', layers: 6, ...more }).files({ opset: 17, shuffle: true })
    const model = await onnxModel({ model: files['model.onnx'], ort, session })
    const own = 6 - more.sharing
    expect(model.layers.map(({ reads }) => reads)).toEqual(
      Array.from({ length: 6 }, (_own, layer) =>
        layer < own ? undefined : (layer - own) % 2 === 0 ? own - 2 : own - 1,
      ),
    )
    for (const cut of Object.values(CUTS)) {
      const whole = await wholeGraph(files['model.onnx'])
      const reader = model.reader({ stream: exactStream })
      let from = 0
      for (const count of cut) {
        const ids = IDS.slice(from, from + count)
        expect(differs((await reader.read(ids, 'all')).data, (await whole.read(ids)).data)).toBeLessThan(1e-5)
        from += count
      }
      const { kvHeads, shape } = model.layers[0]
      expect(reader.cacheBytes).toBe(IDS.length * own * kvHeads * 2 * shape.d * 4)
      expect(reader.streams[5]).toBe(reader.streams[own - 1])
      expect(reader.bytes).toBe(
        reader.streams
          .slice(0, own)
          .flat()
          .reduce((sum, { bytes }) => sum + bytes, 0),
      )
      reader[Symbol.dispose]()
      await whole.session.release()
    }
    await model.release()
  })

  it('with layers that read the keys of another, and have no outputs for them', async () => {
    const options = { dialect: 'gqa', layers: 4, sharing: 2 } as const
    const whole = await wholeGraph(llama(options).files({ opset: 17 })['model.onnx'])
    const bare = llama({ ...options, bareSharing: true }).files({ opset: 17 })['model.onnx']
    const model = await onnxModel({ model: bare, ort, session })
    const reader = model.reader({ stream: exactStream })
    expect(differs((await reader.read(IDS, 'all')).data, (await whole.read(IDS)).data)).toBeLessThan(1e-5)
    reader[Symbol.dispose]()
    await model.release()
    await whole.session.release()
  })

  it('a bounded stream is asked by the layers that read it, and taught by its own alone', async () => {
    const files = llama({ dialect: 'gqa', layers: 4, sharing: 2 }).files({ opset: 17 })
    const model = await onnxModel({ model: files['model.onnx'], ort, session })
    const [blocks, single] = [model.reader({ stream: bounded }), model.reader({ stream: bounded })]
    const all = [await blocks.read(IDS.slice(0, 40), 'all'), await blocks.read(IDS.slice(40), 'all')]
    const rows: number[] = []
    for (const id of IDS) rows.push(...(await single.read([id], 'all')).data)
    expect(blocks.streams[0][0].tokens).toBe(IDS.length)
    const joined = Float32Array.from(all.flatMap(({ data }) => [...data]))
    expect(differs(joined.subarray(0, 24 * 61), Float32Array.from(rows.slice(0, 24 * 61)))).toBeLessThan(1e-5)
    blocks[Symbol.dispose]()
    single[Symbol.dispose]()
    await model.release()
  })
})
