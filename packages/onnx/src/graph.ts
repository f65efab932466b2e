/** Numbers of ONNX's element types (TensorProto.DataType) that are read or written here. */
export const FLOAT = 1
export const INT32 = 6
export const INT64 = 7
export const BOOL = 9
export const FLOAT16 = 10

/** Where a tensor's values lie. */
export interface DataPlace {
  readonly file: string
  readonly from: number
  readonly to: number
}

/** A constant tensor: an initialiser, or a node's attribute. Its values stay in their file. */
export interface OnnxTensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly type: number
  /** Values as raw bytes, little end first: in the model's own file, or in one beside it. */
  readonly place?: DataPlace | undefined
  readonly isExternal: boolean
  /** Values that stand as numbers of the message. */
  readonly numbers?: readonly number[] | undefined
  /** The message, where it lies in the model's file. */
  readonly from: number
  readonly to: number
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
  /** Names of its inputs by position; '' where one is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, OnnxAttribute>
  /** The message as it stands, unknown fields included. */
  readonly bytes: Uint8Array
}

/** A tensor that goes in or out, or whose type the file tells. */
export interface OnnxValue {
  readonly name: string
  /** 0 where it is no tensor or not told. */
  readonly type: number
  /** A number where the size is fixed, a name or '' where not; undefined: also the rank is open. */
  readonly dims?: readonly (number | string)[] | undefined
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[]
  readonly tensors: ReadonlyMap<string, OnnxTensor>
  /** Without those that are only defaults of a constant's name. */
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

/** A model: its graph, and everything of the file beside the graph as it stands (versions, operator sets, functions). */
export interface OnnxModelFile {
  readonly graph: OnnxGraph
  readonly opsets: ReadonlyMap<string, number>
  /** Fields of the model's message but the graph, tags included. */
  readonly header: Uint8Array
}

/** All tensors that a node reads, those that graphs inside it read among them. */
export function readsOf({ inputs, attributes }: OnnxNode): string[] {
  const outer = [...attributes.values()].flatMap((attribute) => attribute.outer ?? [])
  return [...inputs, ...outer].filter((name) => name !== '')
}
