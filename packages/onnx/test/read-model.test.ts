import { readFileSync } from 'node:fs'
import { InferenceSession } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { openValue, newNode, writeModel } from '../src/write-model'
import { readModel } from '../src/read-model'
import { filesInMemory, type ModelFiles } from '../src/model-files'
import { llama } from './models/llama'
import { DIALECTS } from './models/emit-attention'
import { Model } from './models/onnx-proto'
import { tinyModel } from './models/write-tiny'

// The oracle is protobufjs, which writes the models and decodes what this package writes, and onnxruntime, which loads it.
// Kills: a packed list read as one number, an offset of the tag instead of the value, lost unknown fields, a length that is not checked,
// a data file outside the folder, weights copied where their place would do.

interface Message {
  graph: {
    node: object[]
    initializer: { name: string; dims: object[]; external_data?: { key: string; value: string }[] }[]
  }
  metadata_props: object[]
}
/** A model of a few messages. */
const written = (graph: object) =>
  filesInMemory(Model.encode(Model.fromObject({ graph, opset_import: [{ version: 17 }] })).finish())
/** An attribute that is a graph of one node. */
const branch = (input: string) => ({
  type: 5,
  g: { node: [{ op_type: 'Neg', input: [input], output: ['inner'] }], output: [{ name: 'inner' }] },
})
const decoded = (bytes: Uint8Array) =>
  Model.toObject(Model.decode(bytes), { longs: Number }) as unknown as Message & Record<string, unknown>

/** Counts the bytes read beside those of whole pages. */
function counted(files: ModelFiles): ModelFiles & { readonly count: () => number } {
  let count = 0
  return {
    ...files,
    read(file, from, to) {
      count += to - from
      return files.read(file, from, to)
    },
    count: () => count,
  }
}

describe('readModel', () => {
  it.each(DIALECTS)('reads nodes, attributes, constants, inputs and outputs of %s as protobufjs does', (dialect) => {
    const bytes = llama({ dialect, softcap: 5, window: 4 }).files()['model.onnx']
    const { graph, opsets } = readModel(filesInMemory(bytes))
    const truth = Model.toObject(Model.decode(bytes), { longs: Number }) as never as {
      graph: {
        node: {
          op_type: string
          input?: string[]
          output: string[]
          attribute?: { name: string; i?: number; f?: number; ints?: number[] }[]
        }[]
        initializer: { name: string; dims?: number[]; data_type: number; raw_data: Uint8Array }[]
        input: { name: string }[]
        output: { name: string; type: { tensor_type: { elem_type: number; shape: { dim: object[] } } } }[]
      }
    }
    expect(graph.nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual(
      truth.graph.node.map(({ op_type, input = [], output }) => [op_type, input, output]),
    )
    for (const [i, { attribute = [] }] of truth.graph.node.entries())
      for (const { name, i: int, f, ints } of attribute) {
        const own = graph.nodes[i].attributes.get(name)!
        if (f !== undefined) expect(own.float).toBe(f)
        else if (ints !== undefined && ints.length > 0) expect(own.ints).toEqual(ints)
        else if (int !== undefined) expect(own.int).toBe(int)
      }
    for (const { name, dims = [], data_type, raw_data } of truth.graph.initializer) {
      const own = graph.tensors.get(name)!
      expect([own.dims, own.type]).toEqual([dims, data_type])
      expect(bytes.subarray(own.place!.from, own.place!.to)).toEqual(Uint8Array.from(raw_data))
    }
    expect(graph.inputs.map(({ name }) => name)).toEqual(truth.graph.input.map(({ name }) => name))
    expect(graph.outputs.map(({ type, dims }) => [type, dims!.length])).toEqual(
      truth.graph.output.map(({ type: { tensor_type: own } }) => [own.elem_type, own.shape.dim.length]),
    )
    expect(opsets.get('com.microsoft')).toBe(1)
  })

  it('does not read weights', () => {
    const bytes = llama({ dialect: 'gqa', width: 256, hidden: 1024, d: 32, vocabulary: 1024 }).files()['model.onnx']
    const files = counted(filesInMemory(bytes))
    const { graph } = readModel(files)
    expect(files.count()).toBeLessThan(graph.nodes.length * 4096 + graph.tensors.size * 2 * 4096)
    expect(files.count()).toBeLessThan(bytes.length / 8)
  })

  it('reads negative numbers, floats and integers that stand in the message, and a packed list of dimensions', () => {
    const initializer = [
      { name: 'a', dims: [2], data_type: 1, float_data: [1.5, -2] },
      { name: 'b', dims: [3], data_type: 7, int64_data: [-1, 5, 2 ** 40] },
    ]
    const attribute = [{ name: 'axis', i: -1, type: 2 }]
    const graph = { node: [{ op_type: 'Softmax', input: ['a'], output: ['c'], attribute }], initializer }
    const read = readModel(written(graph))
    expect(read.graph.tensors.get('a')!.numbers).toEqual([1.5, -2])
    expect(read.graph.tensors.get('b')!.numbers).toEqual([-1, 5, 2 ** 40])
    expect(read.graph.nodes[0].attributes.get('axis')!.int).toBe(-1)
  })

  it('knows what graphs within nodes read from outside', () => {
    const attribute = [
      { name: 'then_branch', ...branch('x') },
      { name: 'else_branch', ...branch('y') },
    ]
    const node = [{ op_type: 'If', input: ['c'], output: ['z'], attribute }]
    const { graph } = readModel(written({ node }))
    expect([...graph.nodes[0].attributes.values()].flatMap(({ outer }) => outer)).toEqual(['x', 'y'])
  })

  const inline = llama({ dialect: 'gqa' }).files()['model.onnx']
  const { 'model.onnx': model, 'model.data': data } = llama({ dialect: 'gqa' }).files({ data: 'model.data' })
  it('refuses every cut of a file, and never hangs or crashes', () => {
    const end = inline.length - 64 // what follows the graph may be missing
    for (let length = 0; length < end; length += 97)
      expect(() => readModel(filesInMemory(inline.subarray(0, length)))).toThrow(/^onnx: /)
  })
  it('refuses or reads a file with any byte changed', () => {
    for (let at = 0; at < inline.length; at += 211) {
      const bytes = inline.slice()
      bytes[at] ^= 0xff
      try {
        readModel(filesInMemory(bytes))
      } catch (error) {
        expect((error as Error).message).toMatch(/^onnx: /)
      }
    }
  })
  it('refuses a data file that is missing, cut, or outside the folder', () => {
    expect(() => readModel(filesInMemory({ 'model.onnx': model }))).toThrow('which is missing')
    const cut = { 'model.onnx': model, 'model.data': data.subarray(0, data.length - 100) }
    expect(() => readModel(filesInMemory(cut))).toThrow('the file is cut')
    for (const location of ['../x', '/etc/passwd', 'a/../../b', 'C:\\x', '', '..\\x']) {
      const external_data = [{ key: 'location', value: location }]
      const initializer = [{ name: 'w', dims: [4], data_type: 1, data_location: 1, external_data }]
      expect(() => readModel(written({ initializer })), location).toThrow('data must lie beside the model')
    }
  })
  it('refuses a constant whose data is not as long as its dimensions, and giant ones', () => {
    for (const dims of [[5], [2 ** 40, 2 ** 40], [-1]]) {
      const initializer = [{ name: 'w', dims, data_type: 1, raw_data: new Uint8Array(16) }]
      expect(() => readModel(written({ initializer }))).toThrow(/^onnx: /)
    }
  })
})

describe('the README’s model', () => {
  it('is what its script writes', () => {
    expect(new Uint8Array(readFileSync(new URL('data/tiny.onnx', import.meta.url)))).toEqual(tinyModel())
  })
})

describe('writeModel', () => {
  const bytes = llama({ dialect: 'gqa' }).files()['model.onnx']
  const files = filesInMemory(bytes)
  const whole = readModel(files)
  const { graph } = whole
  const all = { nodes: graph.nodes, tensors: [...graph.tensors.values()], inputs: graph.inputs, outputs: graph.outputs }

  it('keeps what it does not know, and tells weights by their place', () => {
    const written = decoded(writeModel(files, whole, all))
    const truth = decoded(bytes)
    expect(written.graph.node).toEqual(truth.graph.node)
    expect(written.metadata_props).toEqual(truth.metadata_props)
    const head = written.graph.initializer.find(({ name }) => name === 'head')!
    const entries = Object.fromEntries(head.external_data!.map(({ key, value }) => [key, value]))
    const place = Number(entries['offset'])
    const { raw_data } = (truth.graph.initializer as unknown as { name: string; raw_data: Uint8Array }[]).find(
      ({ name }) => name === 'head',
    )!
    expect(bytes.subarray(place, place + Number(entries['length']))).toEqual(Uint8Array.from(raw_data))
  })

  it('is loaded by onnxruntime, with outputs whose type is not told, and nodes of our own', async () => {
    const nodes = [
      ...graph.nodes,
      newNode('Concat', { inputs: ['logits', 'logits'], outputs: ['twice'], ints: { axis: 2 } }),
    ]
    const part = writeModel(files, whole, { ...all, nodes, outputs: [openValue('twice', 0)] })
    const externalData = [{ path: 'model.onnx', data: bytes }]
    const session = await InferenceSession.create(part, { externalData })
    expect(session.outputMetadata).toMatchObject([{ name: 'twice', type: 'float32' }])
  })
})
