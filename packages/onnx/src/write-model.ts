import { FLOAT, type OnnxAttribute, type OnnxModelFile, type OnnxNode, type OnnxTensor, type OnnxValue } from './graph'
import { filesInMemory, type ModelFiles } from './model-files'
import { fields, pagesOf, type Pages } from './wire'
import { messageWriter } from './wire-writer'

/** Some nodes of a model, as a model of their own. */
export interface Part {
  readonly nodes: readonly OnnxNode[]
  /** Constants of the whole model that these nodes read. */
  readonly tensors: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

/** Size from which on weights are given by their place; smaller ones are copied. */
const BY_PLACE = 1024

/**
 * Writes a part as an ONNX model: versions, operator sets and functions are those of the whole model, nodes are the same bits. Weights are not copied: those in
 * files beside the model stay there, and those inside the model's file are given by that file's name and their offset, as external data.
 *
 * Guarantee: nothing above 1 KB is read, except nodes.
 */
export function writeModel(files: ModelFiles, { header }: OnnxModelFile, part: Part): Uint8Array {
  const graph = messageWriter()
  for (const { bytes } of part.nodes) graph.bytes(1, bytes)
  graph.text(2, 'part')
  let pages: Pages | undefined // a part of our own has no tensors and no files
  for (const tensor of part.tensors)
    graph.bytes(5, tensor.bytes ?? tensorBytes((pages ??= pagesOf(files, files.model)), tensor))
  for (const value of part.inputs) graph.bytes(11, valueBytes(value))
  for (const value of part.outputs) graph.bytes(12, valueBytes(value))
  return messageWriter().raw(header).bytes(7, graph.finish()).finish()
}

function tensorBytes(pages: Pages, { name, dims, type, place, from, to }: OnnxTensor): Uint8Array {
  if (!place || place.to - place.from < BY_PLACE) return pages.bytes(from, to)
  const writer = messageWriter()
  for (const size of dims) writer.number(1, size)
  writer.number(2, type).text(8, name)
  const entries = { location: place.file, offset: String(place.from), length: String(place.to - place.from) }
  for (const [key, value] of Object.entries(entries))
    writer.bytes(13, messageWriter().text(1, key).text(2, value).finish())
  return writer.number(14, 1).finish()
}

function valueBytes({ name, type, dims }: OnnxValue): Uint8Array {
  const writer = messageWriter().text(1, name)
  if (type === 0) return writer.finish()
  const tensor = messageWriter().number(1, type)
  if (dims) {
    const shape = messageWriter()
    for (const size of dims) {
      const dim = messageWriter()
      if (typeof size === 'number') dim.number(1, size)
      else if (size !== '') dim.text(2, size)
      shape.bytes(1, dim.finish())
    }
    tensor.bytes(2, shape.finish())
  }
  return writer.bytes(2, messageWriter().bytes(1, tensor.finish()).finish()).finish()
}

/** Makes a new node. */
export function newNode(
  op: string,
  {
    inputs,
    outputs,
    ints = {},
    floats = {},
  }: Pick<OnnxNode, 'inputs' | 'outputs'> & {
    readonly ints?: Readonly<Record<string, number | readonly number[]>> | undefined
    readonly floats?: Readonly<Record<string, number>> | undefined
  },
): OnnxNode {
  const writer = messageWriter()
  for (const name of inputs) writer.text(1, name)
  for (const name of outputs) writer.text(2, name)
  writer.text(4, op)
  const attributes = new Map<string, OnnxAttribute>()
  for (const [name, value] of Object.entries(ints)) {
    const message = messageWriter().text(1, name)
    if (typeof value === 'number') message.number(3, value).number(20, 2)
    else {
      for (const one of value) message.number(8, one)
      message.number(20, 7)
    }
    writer.bytes(5, message.finish())
    attributes.set(name, typeof value === 'number' ? { name, int: value } : { name, ints: value })
  }
  for (const [name, value] of Object.entries(floats)) {
    writer.bytes(5, messageWriter().text(1, name).float(2, value).number(20, 1).finish())
    attributes.set(name, { name, float: value })
  }
  return { name: '', op, domain: '', inputs, outputs, attributes, bytes: writer.finish() }
}

/** A node that reads other tensors; all else of its message stays as it is. */
export function withInputs(node: OnnxNode, inputs: readonly string[]): OnnxNode {
  const files = filesInMemory(node.bytes)
  const writer = messageWriter()
  for (const name of inputs) writer.text(1, name)
  for (const { number, start, to } of fields(pagesOf(files, files.model), 0, node.bytes.length))
    if (number !== 1) writer.raw(node.bytes.subarray(start, to))
  return { ...node, inputs, bytes: writer.finish() }
}

/** An input or output of a part, of which only the element type is known. */
export const openValue = (name: string, type = FLOAT): OnnxValue => ({ name, type })
