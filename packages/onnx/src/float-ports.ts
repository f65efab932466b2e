import { FLOAT, FLOAT16, type OnnxValue } from './graph'
import { newNode, type Part } from './write-model'

const isHalf = ({ type }: OnnxValue) => type === FLOAT16
const cast = (inputs: string[], outputs: string[], to: number) => newNode('Cast', { inputs, outputs, ints: { to } })
/** The name of a float16 tensor where it goes in or out as float32. */
const portOf = (value: OnnxValue) => (isHalf(value) ? `${value.name}/float` : value.name)

/**
 * Makes a part whose float16 inputs and outputs are float32 outside; added nodes cast them. onnxruntime-node 1.30 does not take float16 from
 * JavaScript where the engine
 * has a Float16Array (`not enough space: expected 6, got 0`), and a cast in the graph costs less than one here.
 *
 * Guarantee: nothing is rounded, since float32 holds every float16.
 *
 * @param part  a part of a graph; its outputs have the element types by which they are cast
 * @returns the part, and the names of its ports by tensor
 */
export function floatPorts(part: Part): { readonly part: Part; readonly ports: ReadonlyMap<string, string> } {
  const before = part.inputs.filter(isHalf).map((value) => cast([portOf(value)], [value.name], FLOAT16))
  const behind = part.outputs.filter(isHalf).map((value) => cast([value.name], [portOf(value)], FLOAT))
  const port = (value: OnnxValue): OnnxValue => (isHalf(value) ? { ...value, name: portOf(value), type: FLOAT } : value)
  return {
    part: {
      ...part,
      nodes: [...before, ...part.nodes, ...behind],
      inputs: part.inputs.map(port),
      outputs: part.outputs.map(port),
    },
    ports: new Map([...part.inputs, ...part.outputs].map((value) => [value.name, portOf(value)])),
  }
}
