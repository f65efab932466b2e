// The same on onnxruntime-web (WASM), as a page has it, here in Node. Truth: the whole graph, run by onnxruntime-node with its own cache. Kills: folders asked for
// where there are none, options of Node's runtime alone, weights that each session is handed anew.
import { readFileSync } from 'node:fs'
import { policies, tiers } from '@sublinear/attention'
import { exactStream } from '@sublinear/exact-attention'
import * as node from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { beforeAll, describe, expect, it } from 'vitest'
import { generate } from '../src/generate'
import { filesInMemory } from '../src/model-files'
import { onnxModel } from '../src/onnx-model'
import type { HeadSpec } from '../src/reader'
import { differs } from './models/differs'
import { opsetOf } from './models/emit-attention'
import { llama } from './models/llama'
import { wholeGraph } from './models/whole-graph'

const session = { logSeverityLevel: 3 } as const
const IDS = Array.from({ length: 60 }, (_, i) => (i * 31 + (i % 7) * 5) % 61)
const bounded: HeadSpec = (shape) =>
  tiers({ ...shape, parts: [policies.sinks({ count: 4 }), policies.window({ count: 12 })] })

beforeAll(() => {
  web.env.wasm.numThreads = 1
})

describe('onnxruntime-web', () => {
  it.each(['gqa', 'gqa-packed', 'attention-rows', 'decomposed'] as const)(
    'gives the logits of the whole graph: %s',
    async (dialect) => {
      const files = llama({ dialect, window: 11 }).files({
        opset: opsetOf(dialect),
        data: 'weights.bin',
        shuffle: true,
      })
      const weights = files['weights.bin']
      const model = await onnxModel({ model: filesInMemory(files), ort: web as never, session })
      const whole = await wholeGraph(files['model.onnx'], { externalData: [{ path: 'weights.bin', data: weights }] })
      const reader = model.reader({ stream: exactStream })
      let from = 0
      for (const count of [30, 1, 1, 17, 11]) {
        const ids = IDS.slice(from, from + count)
        expect(differs((await reader.read(ids, 'all')).data, (await whole.read(ids)).data)).toBeLessThan(1e-5)
        from += count
      }
      await whole.session.release()
      await model.release()
    },
  )

  it('answers through bounded streams as onnxruntime-node does, from float16 and one file too', async () => {
    const tiny = new Uint8Array(readFileSync(new URL('data/tiny.onnx', import.meta.url)))
    const half = llama({ dialect: 'gqa', half: true }).files()['model.onnx']
    for (const [bytes, most] of [
      [tiny, 1e-5],
      [half, 5e-3],
    ] as const) {
      const said: Float32Array[] = []
      for (const ort of [node, web] as const) {
        const model = await onnxModel({ model: bytes, ort: ort as never, session })
        const reader = model.reader({ stream: bounded })
        const ids = IDS.map((id) => id % model.vocabulary)
        said.push((await reader.read(ids, 'all')).data)
        await model.release()
      }
      expect(differs(said[1], said[0])).toBeLessThan(most)
    }
  })

  it('says a text', async () => {
    const bytes = new Uint8Array(readFileSync(new URL('data/tiny.onnx', import.meta.url)))
    const said: number[][] = []
    for (const ort of [node, web] as const) {
      const model = await onnxModel({ model: bytes, ort: ort as never, session })
      const ids: number[] = []
      for await (const { id } of generate(model.reader({ stream: exactStream }), { ids: [7, 3], most: 8 }))
        ids.push(id!)
      said.push(ids)
      await model.release()
    }
    expect(said[1]).toEqual(said[0])
    expect(said[0].length).toBe(8)
  })
})
