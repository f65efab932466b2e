import { exactStream } from '@sublinear/exact-attention'
import { endless } from '@sublinear/attention'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import { languageModel, reader, unrotated } from '@sublinear/small-lm'
import type { Shape } from '@sublinear/core'
import { readFileSync } from 'node:fs'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { onnxModel } from '../src/onnx-model'
import { differs } from './models/differs'
import { smallModel } from './models/small-model'

// The trained small models as graphs, against their own forward pass in TypeScript (small-lm), which shares no code with this package but the streams.
// Kills: a cut that changes what later layers see, streams that are given other rows than small-lm's.

const IDS = [1471, ...Array.from({ length: 199 }, (_, i) => (i * 131 + (i % 13) * 17) % 1471)]
const bounded = (shape: Shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 60 })] })
const model = (name: string) =>
  languageModel(readFileSync(new URL(`../../small-lm/data/${name}.safetensors`, import.meta.url)))

describe('the small models as graphs', () => {
  it.each([
    ['sharp', 'gqa'],
    ['sharp', 'mha'],
    ['sharp', 'decomposed'],
    ['bounded', 'gqa-packed'],
    ['bounded', 'decomposed'],
  ] as const)('give the logits of small-lm, with exact and with bounded streams: %s, %s', async (name, dialect) => {
    const own = model(name)
    const bytes = smallModel(own, dialect, 256).files()['model.onnx']
    const opened = await onnxModel({ model: bytes, ort, session: { intraOpNumThreads: 1 } })
    for (const stream of [exactStream, bounded]) {
      const run = opened.reader({ stream })
      const truth = reader({ model: own, stream })
      for (const ids of [IDS.slice(0, 150), ...IDS.slice(150, 160).map((id) => [id]), IDS.slice(160)]) {
        const { data } = await run.read(ids, 'all')
        expect(differs(data, truth.read(ids, 'all').data)).toBeLessThan(1e-5)
      }
      expect([run.tokens, run.bytes, run.cacheBytes]).toEqual([truth.tokens, truth.bytes, truth.cacheBytes])
      run[Symbol.dispose]()
      truth[Symbol.dispose]()
    }
    await opened.release()
  })
})

describe('keys before rotation', () => {
  const far = { window: 64, sinks: 4, far: 16, most: 100, near: 'float32', store: 'float32' } as const
  it('go to streams with positions of their own, beyond the end of the tables', async () => {
    const own = model('sharp')
    const files = smallModel(own, 'gqa', 128).files()
    const opened = await onnxModel({ model: files['model.onnx'], ort, session: { intraOpNumThreads: 1 } })
    for (const spec of [endless(far), exactStream] as const) {
      const stream = unrotated((shape) => spec(shape))
      const run = opened.reader({ stream })
      const truth = reader({ model: own, stream })
      for (const ids of [IDS, IDS.slice(1), [5], [6]]) {
        const { data } = await run.read(ids, 'all')
        expect(differs(data, truth.read(ids, 'all').data)).toBeLessThan(1e-4)
      }
      run[Symbol.dispose]()
      truth[Symbol.dispose]()
    }
    await opened.release()
  })
  it('are refused where the graph rotates them', async () => {
    const { 'model.onnx': bytes } = smallModel(model('sharp'), 'decomposed', 64).files()
    const opened = await onnxModel({ model: bytes, ort, session: { intraOpNumThreads: 1 } })
    expect(() => opened.reader({ stream: unrotated(exactStream) })).toThrow('the graph rotates them itself')
    await opened.release()
  })
})
