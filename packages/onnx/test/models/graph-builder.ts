import { toHalf } from '@sublinear/core'
import { Model } from './onnx-proto.ts'

export const TYPES = { f32: 1, u8: 2, i32: 6, i64: 7, bool: 9, f16: 10 } as const
export type ElementType = keyof typeof TYPES
type Data = Float32Array | BigInt64Array | Int32Array | Uint16Array | Uint8Array
type AttributeValue = number | string | readonly number[] | { readonly float: number }

/** Takes nodes, constants, inputs and outputs, and writes a model's bytes by protobufjs. */
export interface GraphBuilder {
  /** A constant; returns its name. */
  constant(name: string, dims: readonly number[], data: Data): string
  ints(...values: readonly number[]): string
  /** A constant of no dimensions. */
  float(value: number, type?: ElementType): string
  int(value: number): string
  /** A node with one output; returns its name. */
  op(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
    output?: string,
  ): string
  /** A node of any domain with any outputs. */
  node(node: {
    readonly op: string
    readonly domain?: string
    readonly inputs: readonly string[]
    readonly outputs: readonly string[]
    readonly attributes?: Readonly<Record<string, AttributeValue>>
  }): void
  input(name: string, type: ElementType, dims: readonly (number | string)[]): string
  output(name: string, type: ElementType, dims: readonly (number | string)[]): string
  /** The model's file, and its data file where weights of 1 KB and more go into one; `shuffle` changes the order of nodes. */
  files(options?: {
    readonly opset?: number
    readonly data?: string
    readonly shuffle?: boolean
    /** Constants without data in a file become nodes. */
    readonly asNodes?: boolean
    /** All tensors but inputs and outputs get names that say nothing. */
    readonly rename?: boolean
  }): Record<string, Uint8Array>
}

export function graphBuilder(): GraphBuilder {
  const nodes: NodeMessage[] = []
  const constants: { name: string; dims: readonly number[]; data_type: number; raw_data: Uint8Array }[] = []
  const inputs: { name: string }[] = []
  const outputs: { name: string }[] = []
  let count = 0
  const builder: GraphBuilder = {
    constant(name, dims, data) {
      const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      constants.push({ name, dims, data_type: typeOf(data), raw_data: raw })
      return name
    },
    ints: (...values) => builder.constant(`ints_${count++}`, [values.length], BigInt64Array.from(values, BigInt)),
    float: (x, type) =>
      builder.constant(`float_${count++}`, [], type === 'f16' ? toHalf(Float32Array.of(x)) : Float32Array.of(x)),
    int: (x) => builder.constant(`int_${count++}`, [], BigInt64Array.of(BigInt(x))),
    op(op, ins, attributes = {}, output = `${op}_${count++}`) {
      builder.node({ op, inputs: ins, outputs: [output], attributes })
      return output
    },
    node({ op, domain = '', inputs: ins, outputs: outs, attributes = {} }) {
      const attribute = Object.entries(attributes).map(([name, given]) => attributeOf(name, given))
      nodes.push({ op_type: op, name: `${op}_node_${count++}`, domain, input: ins, output: outs, attribute })
    },
    input(name, type, dims) {
      inputs.push(value(name, type, dims))
      return name
    },
    output(name, type, dims) {
      outputs.push(value(name, type, dims))
      return name
    },
    files({ opset = 17, data, shuffle = false, asNodes = false, rename = false } = {}) {
      const small = asNodes ? constants.filter(({ raw_data: { length } }) => length < 1024) : []
      const { initializer, bytes } = placed(
        constants.filter((constant) => !small.includes(constant)),
        data,
      )
      const all = [...small.map(constantNode), ...nodes]
      const node = shuffle ? all.toReversed() : all
      const ports = new Set([...inputs, ...outputs].map(({ name }) => name))
      const graph = { node, name: 'test', initializer, input: inputs, output: outputs }
      if (rename) renameAll(graph, ports)
      const opset_import = [
        { domain: '', version: opset },
        { domain: 'com.microsoft', version: 1 },
      ]
      const props = [{ key: 'kept', value: 'yes' }]
      const model = { ir_version: 10, producer_name: 'test models', graph, opset_import, metadata_props: props }
      return {
        'model.onnx': Uint8Array.from(Model.encode(Model.fromObject(model)).finish()),
        ...(data !== undefined && { [data]: bytes }),
      }
    },
  }
  return builder
}

interface NodeMessage {
  readonly op_type: string
  readonly name: string
  readonly domain: string
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly attribute: readonly object[]
}

function constantNode({ name, ...rest }: { readonly name: string }): NodeMessage {
  const attribute = [{ name: 'value', t: rest, type: 4 }]
  return { op_type: 'Constant', name: '', domain: '', input: [], output: [name], attribute }
}

/** Tensors but inputs and outputs get numbers for names, and nodes none. */
function renameAll(
  graph: { node: NodeMessage[]; initializer: readonly { readonly name: string }[] },
  ports: ReadonlySet<string>,
): void {
  const names = new Map<string, string>([['', '']])
  const nameOf = (name: string) => {
    if (ports.has(name)) return name
    if (!names.has(name)) names.set(name, String(names.size))
    return names.get(name)!
  }
  graph.node = graph.node.map((node) => ({
    ...node,
    name: '',
    input: node.input.map(nameOf),
    output: node.output.map(nameOf),
  }))
  graph.initializer = graph.initializer.map((own) => ({ ...own, name: nameOf(own.name) }))
}

function attributeOf(name: string, given: AttributeValue): object {
  if (typeof given === 'string') return { name, s: new TextEncoder().encode(given), type: 3 }
  if (typeof given === 'number') return { name, i: given, type: 2 }
  if ('float' in given) return { name, f: given.float, type: 1 }
  return { name, ints: given, type: 7 }
}

/** The constants, those of 1 KB and more moved into a data file. */
function placed(constants: readonly { name: string; raw_data: Uint8Array }[], file: string | undefined) {
  if (file === undefined) return { initializer: constants, bytes: new Uint8Array(0) }
  const moved = constants.filter(({ raw_data: { length } }) => length >= 1024)
  const bytes = new Uint8Array(
    moved.reduce((total, { raw_data: { length } }) => total + Math.ceil(length / 64) * 64, 0),
  )
  let at = 0
  const initializer = constants.map((constant) => {
    if (!moved.includes(constant)) return constant
    const { raw_data: raw, ...rest } = constant
    bytes.set(raw, at)
    const entries = { location: file, offset: String(at), length: String(raw.length) }
    at += Math.ceil(raw.length / 64) * 64
    const external_data = Object.entries(entries).map(([key, own]) => ({ key, value: own }))
    return { ...rest, data_location: 1, external_data }
  })
  return { initializer, bytes }
}

const typeOf = (data: Data) =>
  data instanceof Float32Array
    ? TYPES.f32
    : data instanceof BigInt64Array
      ? TYPES.i64
      : data instanceof Int32Array
        ? TYPES.i32
        : data instanceof Uint16Array
          ? TYPES.f16
          : TYPES.u8
const value = (name: string, type: ElementType, dims: readonly (number | string)[]) => ({
  name,
  type: {
    tensor_type: {
      elem_type: TYPES[type],
      shape: { dim: dims.map((size) => (typeof size === 'number' ? { dim_value: size } : { dim_param: size })) },
    },
  },
})
