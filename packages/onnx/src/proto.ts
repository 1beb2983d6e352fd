export type { DescField, DescMessage } from "@bufbuild/protobuf";
export { fromBinary, ScalarType } from "@bufbuild/protobuf";
export { WireType } from "@bufbuild/protobuf/wire";
export type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  StringStringEntryProto,
  TensorProto,
  ValueInfoProto,
} from "onnx-buf";
export {
  AttributeProto_AttributeType,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from "onnx-buf";
