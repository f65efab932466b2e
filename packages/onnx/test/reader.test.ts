import { exactStream } from '@sublinear/exact-attention'
import type { AttentionStream, Matrix, Shape } from '@sublinear/core'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import * as ort from 'onnxruntime-node'
import { afterAll, describe, expect, it } from 'vitest'
import type { HeadBlock } from '../src/layer-answers'
import { onnxModel } from '../src/onnx-model'
import { differs } from './models/differs'
import { llama } from './models/llama'

// Kills: rows of logits that are another token's, a read that goes on after a failure, streams shared between heads, a window's layers asked through a
// method that cannot, a place beyond the tables, captured heads that are not what streams get.

const session = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const
const bytes = llama({ dialect: 'gqa', window: 6, places: 600 }).files()['model.onnx']
const model = await onnxModel({ model: bytes, ort, session })
afterAll(() => model.release())
const IDS = Array.from({ length: 300 }, (_, i) => (i * 17 + 5) % 61)
const tail = ({ rows, cols, data }: Matrix, count: number) => data.slice((rows - count) * cols)
const failing = (shape: Shape): AttentionStream =>
  Object.assign(exactStream(shape), {
    step() {
      throw new Error('broken')
    },
  })

describe('reader', () => {
  it('gives all rows, the last, or none, also where a call is longer than a block', async () => {
    const all = await model.reader({ stream: exactStream }).read(IDS, 'all')
    const last = await model.reader({ stream: exactStream }).read(IDS, 'last')
    const none = await model.reader({ stream: exactStream }).read(IDS, 'none')
    expect([all.rows, last.rows, none.rows, none.data.length]).toEqual([300, 1, 0, 0])
    expect(differs(last.data, tail(all, 1))).toBeLessThan(1e-6)
    const cut = model.reader({ stream: exactStream })
    await cut.read(IDS.slice(0, 290), 'none')
    const rest = await cut.read(IDS.slice(290), 'all')
    expect(differs(rest.data, tail(all, 10))).toBeLessThan(1e-5)
  })

  it('holds what its streams hold: a window where the layer has one, and the method elsewhere', async () => {
    const shapes: (Shape | number)[][] = []
    const stream = (shape: Shape, layer: number, head: number) => {
      shapes.push([shape, layer, head])
      return tiers({ ...shape, parts: [sinks({ count: 2 }), window({ count: 10 })] })
    }
    const run = model.reader({ stream })
    await run.read(IDS, 'none')
    expect(shapes.map(([, layer, head]) => [layer, head])).toEqual([
      [1, 0],
      [1, 1],
    ])
    expect(run.streams.flat().length).toBe(6)
    expect(run.bytes).toBeLessThan(run.cacheBytes / 2)
    const asked = Object.assign((shape: Shape) => exactStream(shape), { windows: true })
    expect(model.reader({ stream: asked }).streams[0][0].tokens).toBe(0)
  })

  it('shows what every head is given', async () => {
    const blocks: HeadBlock[] = []
    const run = model.reader({ stream: exactStream, onHead: (block) => blocks.push(block) })
    await run.read(IDS.slice(0, 9), 'none')
    expect(blocks.map(({ layer, head }) => [layer, head])).toEqual([0, 1, 2].flatMap((l) => [0, 1].map((h) => [l, h])))
    const [{ queries, keys, values }] = blocks
    expect([queries.rows, keys.rows, values.rows, keys.cols]).toEqual([36, 9, 9, 16])
  })

  it('refuses ids, logits, streams and places that cannot be, and has then read nothing', async () => {
    const run = model.reader({ stream: exactStream })
    await expect(run.read([61], 'none')).rejects.toThrow('ids must be integers from 0 to 60, got 61 at position 0')
    await expect(run.read([1.5], 'none')).rejects.toThrow('got 1.5')
    await expect(run.read([1], 'some' as 'all')).rejects.toThrow("logits must be 'all', 'last' or 'none'")
    await expect(run.read(new Uint8Array(601), 'none')).rejects.toThrow('rotary tables end at 600 tokens')
    const first = run.read([1, 2, 3], 'none')
    await expect(run.read([4], 'none')).rejects.toThrow('while another call reads')
    await first
    expect(run.tokens).toBe(3)
    const one = exactStream({ d: 16, dv: 16, scale: 0.25 })
    expect(() => model.reader({ stream: () => one })).toThrow('a stream of its own')
    expect(() => model.reader({ stream: (shape) => exactStream({ ...shape, scale: 2 }) })).toThrow('must have scale')
    run[Symbol.dispose]()
    await expect(run.read([1], 'none')).rejects.toThrow('it was disposed')
  })

  it('reads no further after a stream has failed', async () => {
    const run = model.reader({ stream: failing })
    await expect(run.read([1], 'none')).rejects.toThrow('broken')
    await expect(run.read([1], 'none')).rejects.toThrow('a call failed before')
  })
})
