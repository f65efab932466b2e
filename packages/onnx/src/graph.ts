/** Numbers of ONNX's element types (TensorProto.DataType) that are read or written here. */
export const FLOAT = 1
export const INT32 = 6
export const INT64 = 7
export const BOOL = 9
export const FLOAT16 = 10

/** Place of a tensor's values. */
export interface DataPlace {
  readonly file: string
  readonly from: number
  readonly to: number
}

/** A constant tensor: an initialiser, or an attribute of a node. Its values stay in their file. */
export interface OnnxTensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly type: number
  /** Place of the values as raw bytes, little endian: in the model's own file, or in one beside it. */
  readonly place?: DataPlace | undefined
  readonly isExternal: boolean
  /** Values that are stored as numbers in the message. */
  readonly numbers?: readonly number[] | undefined
  /** Place of the message in the model's file: from … to − 1. */
  readonly from: number
  readonly to: number
  /** The bytes of the message. Absent: they hold values, and stay in their file. */
  readonly bytes?: Uint8Array | undefined
}

export interface OnnxAttribute {
  readonly name: string
  readonly int?: number | undefined
  readonly float?: number | undefined
  readonly text?: string | undefined
  readonly ints?: readonly number[] | undefined
  readonly floats?: readonly number[] | undefined
  readonly tensor?: OnnxTensor | undefined
  /** Tensors that the graphs of this attribute (of If, Loop, Scan) read from outside. */
  readonly outer?: readonly string[] | undefined
}

export interface OnnxNode {
  readonly name: string
  readonly op: string
  readonly domain: string
  /** Names of its inputs by position; '' where an input is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, OnnxAttribute>
  /** The bytes of the message as they are, unknown fields included. */
  readonly bytes: Uint8Array
}

/** A tensor that goes in or out, or whose type the file gives. */
export interface OnnxValue {
  readonly name: string
  /** Element type; 0 where it is no tensor, or the type is not given. */
  readonly type: number
  /** Sizes: a number where the size is fixed, a name or '' where it is not. Absent: the rank is open, too. */
  readonly dims?: readonly (number | string)[] | undefined
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[]
  readonly tensors: ReadonlyMap<string, OnnxTensor>
  /** Inputs of the graph, without those that only give a constant its default. */
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

/** A model: its graph, and everything beside the graph as it is in the file (versions, operator sets, functions). */
export interface OnnxModelFile {
  readonly graph: OnnxGraph
  readonly opsets: ReadonlyMap<string, number>
  /** Fields of the model's message, tags included, without the graph. */
  readonly header: Uint8Array
}

/** All tensors that a node reads, also those that graphs inside it read. */
export function readsOf({ inputs, attributes }: OnnxNode): string[] {
  const reads = inputs.filter((name) => name !== '')
  for (const { outer = [] } of attributes.values()) for (const name of outer) if (name !== '') reads.push(name)
  return reads
}
