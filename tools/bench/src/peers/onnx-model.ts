import protobuf from 'protobufjs'

/** The few messages of ONNX's schema (onnx.proto3) that one node needs, with their field numbers. */
const schema = `
  syntax = "proto3";
  message Attribute { string name = 1; float f = 2; int64 i = 3; bytes s = 4; int32 type = 20; }
  message Node { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
    repeated Attribute attribute = 5; string domain = 7; }
  message Dimension { string dim_param = 2; }
  message Shape { repeated Dimension dim = 1; }
  message Tensor { int32 elem_type = 1; Shape shape = 2; }
  message Type { Tensor tensor_type = 1; }
  message Value { string name = 1; Type type = 2; }
  message Graph { repeated Node node = 1; string name = 2; repeated Value input = 11; repeated Value output = 12; }
  message Opset { string domain = 1; int64 version = 2; }
  message Model { int64 ir_version = 1; Graph graph = 7; repeated Opset opset_import = 8; }`
const Model = protobuf.parse(schema, { keepCase: true }).root.lookupType('Model')

const FLOAT = 1 // TensorProto.FLOAT and AttributeProto.FLOAT
const INTEGER = 2 // AttributeProto.INT
const STRING = 3 // AttributeProto.STRING

export type OnnxAttribute =
  | { readonly name: string; readonly i: number }
  | { readonly name: string; readonly f: number }
  | { readonly name: string; readonly s: string }

/** An input or output of a graph: its element type by ONNX's number, and names of its dimensions. */
export interface OnnxValue {
  readonly name: string
  readonly elem: number
  readonly dims: readonly string[]
}

/** A model of one node of com.microsoft; `input` may hold '' where an operand is left out. */
export function onnxModel(
  op_type: string,
  node: {
    readonly input: readonly string[]
    readonly attribute: readonly OnnxAttribute[]
    readonly inputs: readonly OnnxValue[]
    readonly outputs: readonly OnnxValue[]
  },
): Uint8Array {
  const value = ({ name, elem, dims }: OnnxValue) => ({
    name,
    type: { tensor_type: { elem_type: elem, shape: { dim: dims.map((dim_param) => ({ dim_param })) } } },
  })
  const attribute = node.attribute.map((one) => {
    if ('s' in one) return { name: one.name, s: Buffer.from(one.s), type: STRING }
    return { ...one, type: 'i' in one ? INTEGER : FLOAT }
  })
  const output = node.outputs.map(({ name }) => name)
  const only = { input: node.input, output, name: 'attention', op_type, domain: 'com.microsoft', attribute }
  const graph = { node: [only], name: 'attention', input: node.inputs.map(value), output: node.outputs.map(value) }
  const opset_import = [
    { domain: '', version: 17 },
    { domain: 'com.microsoft', version: 1 },
  ]
  return Model.encode(Model.create({ ir_version: 8, graph, opset_import })).finish()
}

/** com.microsoft MultiHeadAttention with one head over (1, n, d) tensors. */
export function attentionModel(scale: number, causal: boolean): Uint8Array {
  const input = ['query', 'key', 'value']
  return onnxModel('MultiHeadAttention', {
    input,
    attribute: [
      { name: 'num_heads', i: 1 },
      { name: 'scale', f: scale },
      { name: 'unidirectional', i: causal ? 1 : 0 },
    ],
    inputs: input.map(rowsNamed),
    outputs: [rowsNamed('output')],
  })
}

function rowsNamed(name: string): OnnxValue {
  return { name, elem: FLOAT, dims: ['batch', 'n', 'd'] }
}
