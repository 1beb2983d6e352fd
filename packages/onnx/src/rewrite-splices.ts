import { OnnxError } from "./errors.js";
import { GraphField, type GraphRecords, graphRecords, ModelField, type RecordSpan } from "./graph-records.js";
import type { Model } from "./model.js";
import {
  type GraphProto,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  SparseTensorProtoSchema,
  TensorProtoSchema,
  toBinary,
} from "./proto.js";
import type { ResolvedRewrite } from "./rewrite-graph.js";
import { literal, type NestedSplice, type Splice, withLengthPrefixes } from "./splice.js";
import type { MessageSpan, Span } from "./tensor-location.js";
import { concat, record, varintBytes } from "./wire-record.js";
import { withFields } from "./with-fields.js";

/** The changes of a model file that a rewrite of its main graph needs. New tensors are written without data. */
export function rewriteSplices(model: Model, graph: GraphProto, rewrite: ResolvedRewrite): readonly Splice[] {
  const records = graphRecords(model.storage.source);
  const bytesOf = nodeEncoder(model, graph, records);
  const nested = [
    ...prepended(records, rewrite, bytesOf),
    ...replaced(graph, records, rewrite, bytesOf),
    ...removed(graph, records, rewrite),
    ...added(records, rewrite),
  ];
  return withLengthPrefixes(nested, versionSplices(model, records, rewrite));
}

/** Encodes nodes as records of a graph. */
type NodeEncoder = (nodes: readonly NodeProto[]) => Uint8Array;

function prepended(records: GraphRecords, { prepend }: ResolvedRewrite, bytesOf: NodeEncoder): readonly NestedSplice[] {
  const first = records.node[0];
  const message = first?.message ?? records.graph.at(-1)!;
  const at = first?.start ?? message.end;
  return insertion(message, at, bytesOf(prepend));
}

function replaced(
  graph: GraphProto,
  records: GraphRecords,
  { replace }: ResolvedRewrite,
  bytesOf: NodeEncoder,
): readonly NestedSplice[] {
  return graph.node.flatMap((node, index) => {
    const substitutes = replace.get(node);
    return substitutes === undefined ? [] : [change(records.node[index]!, bytesOf(substitutes))];
  });
}

function removed(graph: GraphProto, records: GraphRecords, rewrite: ResolvedRewrite): readonly NestedSplice[] {
  const { remove, removeInputs } = rewrite;
  const spans = [
    ...records.initializer.filter((_, index) => remove.has(graph.initializer[index]!)),
    ...records.sparseInitializer.filter((_, index) => {
      const { values } = graph.sparseInitializer[index]!;
      return values !== undefined && remove.has(values);
    }),
    ...records.input.filter((_, index) => removeInputs.has(graph.input[index]!)),
  ];
  return spans.map((span) => change(span, new Uint8Array(0)));
}

function added(records: GraphRecords, { initializers: { dense, sparse } }: ResolvedRewrite): readonly NestedSplice[] {
  const message = records.graph.at(-1)!;
  const parts = [
    ...dense.map((tensor) => record(GraphField.initializer, toBinary(TensorProtoSchema, tensor))),
    ...sparse.map((tensor) => record(GraphField.sparseInitializer, toBinary(SparseTensorProtoSchema, tensor))),
  ];
  return insertion(message, message.end, concat(parts));
}

/** Nodes of the model are copied as they are: encoding them again would lose the data of their tensors. */
function nodeEncoder({ storage }: Model, graph: GraphProto, records: GraphRecords): NodeEncoder {
  const indices = new Map(graph.node.map((node, index) => [node, index]));
  const encode = (node: NodeProto): Uint8Array => {
    const index = indices.get(node);
    if (index === undefined) return record(GraphField.node, toBinary(NodeProtoSchema, node));
    const { start, end } = records.node[index]!;
    return storage.source.read(start, end - start);
  };
  return (nodes) => concat(nodes.map(encode));
}

function insertion(message: MessageSpan, at: number, bytes: Uint8Array): readonly NestedSplice[] {
  return bytes.length === 0 ? [] : [{ ...literal(at, at, bytes), message }];
}

function change({ start, end, message }: RecordSpan, bytes: Uint8Array): NestedSplice {
  return { ...literal(start, end, bytes), message };
}

function versionSplices(
  { proto, storage }: Model,
  records: GraphRecords,
  { opset, irVersion }: ResolvedRewrite,
): readonly Splice[] {
  const splices: Splice[] = [];
  const { size } = storage.source;
  if (opset !== undefined) splices.push(...opsetSplices(proto, records, opset, size));
  if (irVersion !== undefined) {
    checkNotBelow("the IR version", Number(proto.irVersion), irVersion);
    const place = records.irVersion.at(-1) ?? { start: size, end: size };
    splices.push(replacing(place, concat([varintBytes(ModelField.irVersion * 8), varintBytes(irVersion)])));
  }
  return splices;
}

function opsetSplices(proto: ModelProto, records: GraphRecords, opset: number, size: number): readonly Splice[] {
  const splices = proto.opsetImport.flatMap((given, index) => {
    if (given.domain !== "" && given.domain !== "ai.onnx") return [];
    checkNotBelow("the opset", Number(given.version), opset);
    const raised = withFields(given, { version: BigInt(opset) });
    const bytes = record(ModelField.opsetImport, toBinary(OperatorSetIdProtoSchema, raised));
    return [replacing(records.opsetImport[index]!, bytes)];
  });
  if (splices.length > 0) return splices;
  const bytes = concat([varintBytes(16), varintBytes(opset)]);
  return [literal(size, size, record(ModelField.opsetImport, bytes))];
}

function replacing({ start, end }: Span, bytes: Uint8Array): Splice {
  return literal(start, end, bytes);
}

function checkNotBelow(what: string, present: number, wanted: number): void {
  if (wanted >= present) return;
  throw new OnnxError("malformed", `${what} of the model is ${present}: it cannot become ${wanted}`);
}
