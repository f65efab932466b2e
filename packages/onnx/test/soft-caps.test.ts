import { autoStream, catalogue, closureStream } from '@sublinear/attention'
import { h2o, farKeys, tiers, window } from '@sublinear/kv-cache'
import * as ort from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onnxModel, type OnnxModel } from '../src/onnx-model'
import type { HeadSpec } from '../src/reader'
import { differs } from './models/differs'
import { llama } from './models/llama'
import { wholeGraph, type WholeGraph } from './models/whole-graph'

// A decoder of Gemma 2's kind, whose scores are capped and whose layers have a window in turns, read by bounded methods. The truth from outside is the whole graph,
// run by onnxruntime with its own cache. With scale · |q| · |k| far above the cap, an answer without the cap is another one.
// Kills: a cap that auto forgets on the way to its tiers, tiers of plain scores in its default stack, a refusal that names no method, no field or no way out.

const session = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const
const IDS = Array.from({ length: 240 }, (_, i) => (i * 31 + (i % 7) * 5) % 61)
const bytes = llama({ dialect: 'gqa', layers: 4, softcap: 0.4, window: 24 }).files()['model.onnx']
let model: OnnxModel
let whole: WholeGraph
let truth: Float32Array
beforeAll(async () => {
  model = await onnxModel({ model: bytes, ort, session })
  whole = await wholeGraph(bytes)
  truth = (await whole.read(IDS)).data
})
afterAll(() => Promise.all([model.release(), whole.session.release()]))

/** The share of the largest logit by which logits differ from the whole graph's, and the bytes that the streams of the full layers hold. */
async function readBy(stream: HeadSpec) {
  const reader = model.reader({ stream })
  const blocks = await reader.read(IDS.slice(0, 200), 'all')
  const rows = [...blocks.data]
  for (const id of IDS.slice(200)) rows.push(...(await reader.read([id], 'all')).data)
  const held = Math.max(...reader.streams[1].map((own) => own.bytes))
  reader[Symbol.dispose]()
  return { off: differs(Float32Array.from(rows), truth), held }
}
const budget = (share: number) => ({ budgetBytes: Math.floor(share * IDS.length * 4 * 32), tokens: IDS.length })

describe('a graph that caps its scores', () => {
  it('says so of every layer', () => {
    expect(model.layers.map(({ shape }) => [shape.softcap, shape.window])).toEqual(
      [24, undefined, 24, undefined].map((own) => [expect.closeTo(0.4, 6), own]),
    )
  })
  it('is read by auto within its bytes, as the whole graph reads it up to codes', async () => {
    const auto =
      (share: number): HeadSpec =>
      (shape) =>
        autoStream({ ...shape, ...budget(share) })
    const [most, least] = [await readBy(auto(1 / 2)), await readBy(auto(1 / 8))]
    expect(most.off).toBeLessThan(0.02)
    expect(most.held).toBeLessThanOrEqual(budget(1 / 2).budgetBytes)
    expect(least.off).toBeLessThan(0.3)
    expect(least.held).toBeLessThanOrEqual(budget(1 / 8).budgetBytes)
    const plain = await readBy(({ d, dv, scale }) => autoStream({ d, dv, scale, ...budget(1 / 2) }))
    expect(plain.off).toBeGreaterThan(4 * most.off) // without the cap it is another model
  })
  it('is read by every method of the catalogue that knows caps, auto among them', async () => {
    const able = catalogue.filter(({ can }) => can.includes('softcap'))
    expect(able.map(({ name }) => name)).toContain('auto')
    for (const method of able) {
      const options = method.within({ d: 16, dv: 16, scale: 0.25, softcap: 0.4 }, 4 * 32 * 200, { tokens: IDS.length })
      const { off } = await readBy((shape) => method.make(shape, options!))
      expect([method.name, off < 0.2]).toEqual([method.name, true])
    }
  })
  it.each<[string, HeadSpec, RegExp]>([
    [
      'a summary',
      (shape) => closureStream(shape),
      /layer 1 \(GroupQueryAttention .*\) caps its scores at 0\.4.*: closure.*: cannot do softcap.*autoStream, and tiers of/,
    ],
    [
      'a tier that learns from attention',
      (shape) => tiers({ ...shape, parts: [window({ count: 8 }), h2o({ count: 8 })] }),
      /h2o: cannot do softcap.*farKeys and clusters know caps/,
    ],
    [
      'a stack with such a tier',
      (shape) =>
        autoStream({
          ...shape,
          ...budget(1),
          stack: { window: 0, kept: [{ by: 'h2o', share: 1, keyBits: 8, valueBits: 6 }], rest: 'none' },
        }),
      /autoStream: stack must be of methods that can do softcap, such as window, farKeys and clusters.*got h2o/,
    ],
  ])('is refused by %s, with the layer, the method, the field, and what to use', (_, stream, message) => {
    expect(() => model.reader({ stream })).toThrow(message)
    const own = model.reader({
      stream: (shape) => tiers({ ...shape, parts: [window({ count: 8 }), farKeys({ count: 8 })] }),
    })
    own[Symbol.dispose]()
  })
})
