export { appendToGraph, type GraphAddition } from "./append-to-graph.js";
export { buildModel, type ModelParts } from "./build-model.js";
export type { ByteSource } from "./byte-source.js";
export { type DecodeOptions, decodeModel } from "./decode-model.js";
export { type DtypeName, dtypeName, elementSize } from "./dtype.js";
export { encodeModel, externalDataFiles, modelSize } from "./encode-model.js";
export { isOnnxError, OnnxError, type OnnxErrorCode, type OnnxErrorContext } from "./errors.js";
export { type ExtractedModel, type Extraction, modelExtractor } from "./extract-model.js";
export { floatBytes } from "./float-bytes.js";
export { type AttributeInit, makeNode, type NodeOptions } from "./make-node.js";
export { makeTensor, type TensorValues } from "./make-tensor.js";
export { makeValueInfo } from "./make-value-info.js";
export { metadata, withMetadata } from "./metadata.js";
export type { Model, ModelStorage, TensorData } from "./model.js";
export type { NewTensor, SparseIndices } from "./new-tensor.js";
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
} from "./proto.js";
export { AttributeProto_AttributeType, TensorProto_DataLocation, TensorProto_DataType } from "./proto.js";
export { type BodyAddition, type GraphRewrite, rewriteGraph } from "./rewrite-graph.js";
export { tensorBytes } from "./tensor-bytes.js";
export { tensorChunks } from "./tensor-chunks.js";
export type { MessageSpan, PayloadSpan, Span, TensorLocation } from "./tensor-location.js";
export { elementCount, tensorByteLength } from "./tensor-size.js";
export { tensorValues } from "./tensor-values.js";
export { type GraphScope, type TensorEntry, walkGraphs, walkTensors } from "./tensors.js";
export {
  type Consumer,
  countZeros,
  fractionOfZeros,
  type ParameterCount,
  type PrunableWeight,
  parameterCounts,
  prunableWeights,
  type UnprunableWeight,
  type Weight,
  type WeightAxis,
  type WeightBase,
  type ZeroCount,
} from "./weights/index.js";
export { withFields } from "./with-fields.js";
export { withTensorData } from "./with-tensor-data.js";
