import protobuf from 'protobufjs'

/** ONNX's schema, as far as test models and tests need it: written by another library than the package's own, so that either finds the other's faults. */
const schema = `
  syntax = "proto3";
  message Entry { string key = 1; string value = 2; }
  message Tensor { repeated int64 dims = 1; int32 data_type = 2; repeated float float_data = 4; repeated int32 int32_data = 5; repeated int64 int64_data = 7;
    string name = 8; bytes raw_data = 9; repeated Entry external_data = 13; int32 data_location = 14; }
  message Attribute { string name = 1; float f = 2; int64 i = 3; bytes s = 4; Tensor t = 5; Graph g = 6; repeated float floats = 7;
    repeated int64 ints = 8; int32 type = 20; }
  message Node { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated Attribute attribute = 5;
    string domain = 7; repeated Entry metadata_props = 9; }
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
  message Shape { repeated Dimension dim = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Type { TensorType tensor_type = 1; }
  message Value { string name = 1; Type type = 2; }
  message Graph { repeated Node node = 1; string name = 2; repeated Tensor initializer = 5; repeated Value input = 11; repeated Value output = 12;
    repeated Value value_info = 13; repeated Entry metadata_props = 16; }
  message Opset { string domain = 1; int64 version = 2; }
  message Model { int64 ir_version = 1; string producer_name = 2; Graph graph = 7; repeated Opset opset_import = 8; repeated Entry metadata_props = 14; }`
export const Model = protobuf.parse(schema, { keepCase: true }).root.lookupType('Model')
