// Long blocks of exact streams, whose products onnxruntime takes: against a float64 oracle written from the definitions, and against the whole graph.
// Kills: scores without their scale or cap, a sink of another query or once a piece, a piece left out or taken twice, a block that sees itself whole, tokens
// that are not kept, a stream with a window or weights taken, the way not taken at all.
import { emptyPartial, rowsOf, type Shape } from '@sublinear/core'
import { exactStream, normalise } from '@sublinear/exact-attention'
import { headOracle, random } from '@sublinear/laws'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { longBlocks } from '../src/long-blocks'
import { onnxModel } from '../src/onnx-model'
import type { Runtime } from '../src/ort'
import { differs } from './models/differs'
import { llama } from './models/llama'
import { wholeGraph } from './models/whole-graph'

const session = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const
const runtime = { ort, session } as unknown as Runtime

const filled = (features: Partial<Shape>, count = 256) => {
  const stream = exactStream({ d: 2, dv: 2, scale: 1, ...features })
  stream.push({ keys: random(count, 2, 1), values: random(count, 2, 2) })
  return stream
}

describe('a long block', () => {
  const [old, rows, groups] = [5000, 150, 3]
  it.each([
    ['plain', {}],
    ['with a cap', { softcap: 2 }],
    ['with sinks', { sinkLogit: [3, -1, 8] }],
    ['with both', { softcap: 3, sinkLogit: 6 }],
  ])('is answered as by the stream itself: %s', async (_, features) => {
    const shape: Shape = { d: 6, dv: 4, scale: 0.7, ...features }
    const [keys, values] = [random(old + rows, 6, 1, 2), random(old + rows, 4, 2)]
    const queries = random(groups * rows, 6, 3, 2)
    const block = { keys: rowsOf(keys, old, old + rows), values: rowsOf(values, old, old + rows) }
    const before = { keys: rowsOf(keys, 0, old), values: rowsOf(values, 0, old) }
    const [stream, own] = [exactStream(shape), exactStream(shape)]
    for (const one of [stream, own]) one.push(before)
    const long = longBlocks(runtime)!
    expect(long.takes(stream, rows)).toBe(true)
    const got = normalise(await long.step(stream, block, queries, emptyPartial(queries.rows, shape.dv))).data
    const truth = headOracle(shape, queries, keys, values, groups, old)
    expect(differs(got, Float32Array.from(truth))).toBeLessThan(2e-6)
    own.push(block)
    expect(stream.toBytes()).toEqual(own.toBytes())
    await long.release()
  })

  it('is one of plain scores, of rows and older tokens enough, by onnxruntime-node', () => {
    const long = longBlocks(runtime)!
    expect(long.takes(filled({}), 32)).toBe(true)
    expect(long.takes(filled({}), 31)).toBe(false)
    expect(long.takes(filled({}, 255), 32)).toBe(false)
    const rotary = { base: 100, pairing: 'halves' } as const
    for (const features of [{ window: 300 }, { slope: 1 }, { rotary }])
      expect(long.takes(filled(features), 32)).toBe(false)
    expect(
      longBlocks({ ort: { InferenceSession: ort.InferenceSession, Tensor: ort.Tensor } } as Runtime),
    ).toBeUndefined()
  })
})

describe('a long text', () => {
  const ids = Array.from({ length: 900 }, (_, i) => (i * 31 + (i % 7) * 5) % 61)
  it.each([
    ['gqa', {}],
    ['gqa', { softcap: 2, sinks: true, window: 40 }],
    ['mha', {}],
    ['decomposed', { softcap: 1 }],
  ] as const)('has the logits of the whole graph: %s %o', async (dialect, more) => {
    const bytes = llama({ dialect, places: 1024, ...more }).files({ opset: 17 })['model.onnx']
    let runs = 0
    const counted = {
      ...ort,
      InferenceSession: {
        create: async (...args: Parameters<typeof ort.InferenceSession.create>) => {
          const made = await ort.InferenceSession.create(...args)
          if (made.outputNames.join() === 'max,mass,sum') {
            const run = made.run.bind(made)
            made.run = ((...given: Parameters<typeof run>) => (runs++, run(...given))) as typeof made.run
          }
          return made
        },
      },
    } as unknown as typeof ort
    const [model, plain] = [
      await onnxModel({ model: bytes, ort: counted, session }),
      await onnxModel({ model: bytes, ort: { InferenceSession: ort.InferenceSession, Tensor: ort.Tensor }, session }),
    ]
    const whole = await wholeGraph(bytes)
    const [reader, other] = [model.reader({ stream: exactStream }), plain.reader({ stream: exactStream })]
    for (const [from, to] of [
      [0, 300],
      [300, 301],
      [301, 760],
      [760, 775],
      [775, 900],
    ]) {
      const own = ids.slice(from, to)
      const truth = (await whole.read(own)).data
      expect(differs((await reader.read(own, 'all')).data, truth)).toBeLessThan(1e-5)
      expect(differs((await other.read(own, 'all')).data, truth)).toBeLessThan(1e-5)
    }
    // blocks of 44, 256, 203 and 125 tokens behind 256 and more, in each head of the layers without a window
    const heads = model.layers.reduce((sum, { kvHeads, shape }) => sum + (shape.window === undefined ? kvHeads : 0), 0)
    expect(runs).toBe(4 * heads)
    for (const one of [reader, other]) one[Symbol.dispose]()
    await Promise.all([model.release(), plain.release(), whole.session.release()])
  })
})
