import type { OnnxGraph, OnnxModelFile, OnnxNode, OnnxTensor, OnnxValue } from './graph'
import type { ModelFiles } from './model-files'
import { checkTensorData, readTensor } from './read-tensor'
import { readNode } from './read-node'
import { fields, pagesOf, textAt, type Field, type Pages } from './wire'

/**
 * Reads the graph of an ONNX file; weights are located, not read.
 * Source: onnx.proto of ONNX 1.19 (field numbers are the same since 1.0); unknown fields are kept.
 *
 * Cost: reads all of the file except weights, and a page of 4 KB for each weight.
 *
 * @throws RangeError when the file is cut, has no graph, two tensors have one name, or a weight's data is missing, of another length, or outside the folder
 */
export function readModel(files: ModelFiles): OnnxModelFile {
  if (files.size(files.model) === undefined) throw new RangeError(`onnx: there is no file ${files.model}`)
  const pages = pagesOf(files, files.model)
  const header: Uint8Array[] = []
  const opsets = new Map<string, number>()
  let graph: OnnxGraph | undefined
  for (const field of fields(pages, 0, pages.size)) {
    if (field.number === 7 && field.wire === 2) {
      if (graph) throw new RangeError('onnx: the file has two graphs')
      graph = readGraph(pages, files, field)
      continue
    }
    if (field.number === 8 && field.wire === 2) {
      const { domain, version } = readOpset(pages, field)
      opsets.set(domain, version)
    }
    if (field.number !== 20) header.push(pages.bytes(field.start, field.to)) // training information is not needed
  }
  if (!graph) throw new RangeError('onnx: the file is cut or no ONNX model: it has no graph')
  if (opsets.size === 0) throw new RangeError('onnx: the file is cut or no ONNX model: it names no operator set')
  const length = header.reduce((total, part) => total + part.length, 0)
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of header) {
    joined.set(part, at)
    at += part.length
  }
  return { graph, opsets, header: joined }
}

function readGraph(pages: Pages, files: ModelFiles, { from, to }: Field): OnnxGraph {
  const nodes: OnnxNode[] = []
  const tensors = new Map<string, OnnxTensor>()
  const inputs: OnnxValue[] = []
  const outputs: OnnxValue[] = []
  const sizes = new Map<string, number | undefined>() // every weight asks for its file's
  const sizeOf = (file: string) => {
    if (!sizes.has(file)) sizes.set(file, files.size(file))
    return sizes.get(file)
  }
  for (const field of fields(pages, from, to)) {
    if (field.wire !== 2) continue
    if (field.number === 1) nodes.push(readNode(pages, files.model, field))
    else if (field.number === 5) {
      const tensor = readTensor(pages, files.model, field)
      if (tensors.has(tensor.name)) throw new RangeError(`onnx: two constants have the name ${tensor.name}`)
      checkTensorData(sizeOf, tensor)
      tensors.set(tensor.name, tensor)
    } else if (field.number === 11) inputs.push(readValue(pages, field))
    else if (field.number === 12) outputs.push(readValue(pages, field))
    else if (field.number === 15) throw new RangeError('onnx: sparse constants are not supported')
  }
  return { nodes, tensors, inputs: inputs.filter(({ name }) => !tensors.has(name)), outputs }
}

function readOpset(pages: Pages, { from, to }: Field): { readonly domain: string; readonly version: number } {
  let [domain, version] = ['', 0]
  for (const field of fields(pages, from, to)) {
    if (field.number === 1) domain = textAt(pages, field)
    else if (field.number === 2) version = field.value
  }
  return { domain: domain === 'ai.onnx' ? '' : domain, version }
}

/** Reads name, element type and dimensions of a ValueInfoProto. */
export function readValue(pages: Pages, { from, to }: Field): OnnxValue {
  let name = ''
  let type = 0
  let dims: (number | string)[] | undefined
  for (const field of fields(pages, from, to)) {
    if (field.number === 1) name = textAt(pages, field)
    if (field.number !== 2) continue
    for (const kind of fields(pages, field.from, field.to)) {
      if (kind.number !== 1 || kind.wire !== 2) continue
      for (const part of fields(pages, kind.from, kind.to)) {
        if (part.number === 1) type = part.value
        else if (part.number === 2) dims = readShape(pages, part)
      }
    }
  }
  return { name, type, ...(dims && { dims }) }
}

function readShape(pages: Pages, { from, to }: Field): (number | string)[] {
  const dims: (number | string)[] = []
  for (const dim of fields(pages, from, to)) {
    if (dim.number !== 1) continue
    let size: number | string = ''
    for (const part of fields(pages, dim.from, dim.to)) {
      if (part.number === 1) size = part.value
      else if (part.number === 2) size = textAt(pages, part)
    }
    dims.push(size)
  }
  return dims
}
