import type { OnnxAttribute, OnnxNode } from './graph'
import { readTensor } from './read-tensor'
import { fields, textAt, varint, type Field, type Pages } from './wire'

/** Depth to which graphs within graphs are followed. */
const DEEPEST = 16

/** Reads a NodeProto, with its bytes as they are. */
export function readNode(pages: Pages, file: string, field: Field, depth = 0): OnnxNode {
  if (depth > DEEPEST) throw new RangeError(`onnx: graphs must be nested at most ${DEEPEST} deep`)
  const { from, to } = field
  let [name, op, domain] = ['', '', '']
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes = new Map<string, OnnxAttribute>()
  for (const part of fields(pages, from, to)) {
    if (part.wire !== 2) continue
    if (part.number === 1) inputs.push(textAt(pages, part))
    else if (part.number === 2) outputs.push(textAt(pages, part))
    else if (part.number === 3) name = textAt(pages, part)
    else if (part.number === 4) op = textAt(pages, part)
    else if (part.number === 7) domain = textAt(pages, part)
    else if (part.number === 5) {
      const attribute = readAttribute(pages, file, part, depth)
      attributes.set(attribute.name, attribute)
    }
  }
  const own = domain === 'ai.onnx' ? '' : domain
  const bytes = depth === 0 ? pages.bytes(from, to) : new Uint8Array(0)
  return { name, op, domain: own, inputs, outputs, attributes, bytes }
}

function readAttribute(pages: Pages, file: string, { from, to }: Field, depth: number): OnnxAttribute {
  let name = ''
  let found: Omit<OnnxAttribute, 'name'> = {}
  const ints: number[] = []
  const floats: number[] = []
  let type = 0
  for (const part of fields(pages, from, to)) {
    if (part.number === 1) name = textAt(pages, part)
    else if (part.number === 2) found = { ...found, float: floatAt(pages, part.from) }
    else if (part.number === 3) found = { ...found, int: part.value }
    else if (part.number === 4) found = { ...found, text: textAt(pages, part) }
    else if (part.number === 5) found = { ...found, tensor: readTensor(pages, file, part) }
    else if (part.number === 7) for (let at = part.from; at < part.to; at += 4) floats.push(floatAt(pages, at))
    else if (part.number === 8 && part.wire === 0) ints.push(part.value)
    else if (part.number === 8) {
      for (let at = part.from; at < part.to;) {
        const { value, end } = varint(pages, at, part.to)
        ints.push(value)
        at = end
      }
    } else if (part.number === 20) type = part.value
    else if (part.number === 6 || part.number === 11)
      found = { ...found, outer: [...(found.outer ?? []), ...outerReads(pages, file, part, depth + 1)] }
  }
  // a writer may leave out values of 0
  if (type === 1) found = { float: 0, ...found }
  if (type === 2) found = { int: 0, ...found }
  return { name, ...found, ...(ints.length > 0 && { ints }), ...(floats.length > 0 && { floats }) }
}

/** The names that the nodes of a nested graph read and that neither it nor its inputs make. */
function outerReads(pages: Pages, file: string, graph: Field, depth: number): string[] {
  const own = new Set<string>()
  const read = new Set<string>()
  for (const part of fields(pages, graph.from, graph.to)) {
    if (part.wire !== 2) continue
    if (part.number === 1) {
      const { inputs, outputs, attributes } = readNode(pages, file, part, depth)
      for (const name of inputs) read.add(name)
      for (const { outer = [] } of attributes.values()) for (const name of outer) read.add(name)
      for (const name of outputs) own.add(name)
    } else if (part.number === 5) own.add(readTensor(pages, file, part).name)
    else if (part.number === 11 || part.number === 12) {
      // an output of a graph may be a tensor from outside
      for (const field of fields(pages, part.from, part.to))
        if (field.number === 1) (part.number === 11 ? own : read).add(textAt(pages, field))
    }
  }
  return [...read].filter((name) => name !== '' && !own.has(name))
}

function floatAt(pages: Pages, at: number): number {
  const bytes = pages.bytes(at, at + 4)
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true)
}
