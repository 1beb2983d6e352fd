import { type BodyPlace, isFunction } from "./bodies.js";
import type { ByteSource } from "./byte-source.js";
import { OnnxError } from "./errors.js";
import {
  type BodyRecords,
  bodyRecords,
  FunctionField,
  GraphField,
  ModelField,
  type ModelRecords,
  modelRecords,
  type RecordSpan,
  subgraphMessage,
} from "./graph-records.js";
import type { Model } from "./model.js";
import {
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  SparseTensorProtoSchema,
  TensorProtoSchema,
  toBinary,
  ValueInfoProtoSchema,
} from "./proto.js";
import type { BodyChange, ResolvedRewrite } from "./rewrite-graph.js";
import { literal, type NestedSplice, type Splice, withLengthPrefixes } from "./splice.js";
import type { MessageSpan, Span } from "./tensor-location.js";
import { concat, record, varintBytes } from "./wire-record.js";
import { withFields } from "./with-fields.js";

/** The changes of a model file that a rewrite needs. New tensors are written without data. */
export function rewriteSplices(model: Model, rewrite: ResolvedRewrite): readonly Splice[] {
  const records = modelRecords(model.storage.source);
  const recordsOf = bodyFinder(model.storage.source, records);
  // Inner bodies first: where one ends with the body around it, what is added to it comes before what is added there.
  const nested = rewrite.changes
    .toReversed()
    .flatMap((change) => bodySplices(model, recordsOf(change.place), rewrite, change));
  return withLengthPrefixes(nested, versionSplices(model, records, rewrite));
}

/** Finds the records of bodies; those of each body once. */
function bodyFinder(source: ByteSource, { graph, functions }: ModelRecords): (place: BodyPlace) => BodyRecords {
  const found = new Map<BodyPlace, BodyRecords>();
  const messagesOf = ({ owner, function: index }: BodyPlace): readonly MessageSpan[] => {
    if (owner !== undefined) return [subgraphMessage(source, recordsOf(owner.place).node[owner.node]!, owner)];
    return index === undefined ? graph : [functions[index]!];
  };
  const recordsOf = (place: BodyPlace): BodyRecords => {
    const known = found.get(place);
    if (known !== undefined) return known;
    const records = bodyRecords(source, messagesOf(place), isFunction(place.body) ? FunctionField : GraphField);
    found.set(place, records);
    return records;
  };
  return recordsOf;
}

function bodySplices(
  model: Model,
  records: BodyRecords,
  rewrite: ResolvedRewrite,
  change: BodyChange,
): readonly NestedSplice[] {
  const bytesOf = nodeEncoder(model, change, records);
  return [
    ...prepended(records, change, bytesOf),
    ...replaced(records, rewrite, change, bytesOf),
    ...removed(records, rewrite, change),
    ...added(records, change),
  ];
}

/** Encodes nodes as records of a body. */
type NodeEncoder = (nodes: readonly NodeProto[]) => Uint8Array;

function prepended(records: BodyRecords, { prepend }: BodyChange, bytesOf: NodeEncoder): readonly NestedSplice[] {
  const first = records.node[0];
  const message = first?.message ?? records.messages.at(-1)!;
  const at = first?.start ?? message.end;
  return insertion(message, at, bytesOf(prepend));
}

function replaced(
  records: BodyRecords,
  { replace }: ResolvedRewrite,
  { place }: BodyChange,
  bytesOf: NodeEncoder,
): readonly NestedSplice[] {
  return place.body.node.flatMap((node, index) => {
    const substitutes = replace.get(node);
    return substitutes === undefined ? [] : [changed(records.node[index]!, bytesOf(substitutes))];
  });
}

function removed(
  records: BodyRecords,
  { remove, removeInputs }: ResolvedRewrite,
  { place: { body } }: BodyChange,
): readonly NestedSplice[] {
  if (isFunction(body)) return [];
  const spans = [
    ...records.initializer.filter((_, index) => remove.has(body.initializer[index]!)),
    ...records.sparseInitializer.filter((_, index) => {
      const { values } = body.sparseInitializer[index]!;
      return values !== undefined && remove.has(values);
    }),
    ...records.input.filter((_, index) => removeInputs.has(body.input[index]!)),
  ];
  return spans.map((span) => changed(span, new Uint8Array(0)));
}

function added(records: BodyRecords, { dense, sparse, valueInfos }: BodyChange): readonly NestedSplice[] {
  const message = records.messages.at(-1)!;
  const parts = [
    ...dense.map((tensor) => record(GraphField.initializer, toBinary(TensorProtoSchema, tensor))),
    ...sparse.map((tensor) => record(GraphField.sparseInitializer, toBinary(SparseTensorProtoSchema, tensor))),
    ...valueInfos.map((info) => record(GraphField.valueInfo, toBinary(ValueInfoProtoSchema, info))),
  ];
  return insertion(message, message.end, concat(parts));
}

/** Nodes of the same body are copied as they are: encoding them again would lose the data of their tensors. */
function nodeEncoder({ storage }: Model, { place: { body } }: BodyChange, records: BodyRecords): NodeEncoder {
  const field = isFunction(body) ? FunctionField.node : GraphField.node;
  const indices = new Map(body.node.map((node, index) => [node, index]));
  const encode = (node: NodeProto): Uint8Array => {
    const index = indices.get(node);
    if (index === undefined) return record(field, toBinary(NodeProtoSchema, node));
    const { start, end } = records.node[index]!;
    return storage.source.read(start, end - start);
  };
  return (nodes) => concat(nodes.map(encode));
}

function insertion(message: MessageSpan, at: number, bytes: Uint8Array): readonly NestedSplice[] {
  return bytes.length === 0 ? [] : [{ ...literal(at, at, bytes), message }];
}

function changed({ start, end, message }: RecordSpan, bytes: Uint8Array): NestedSplice {
  return { ...literal(start, end, bytes), message };
}

function versionSplices(
  { proto, storage }: Model,
  records: ModelRecords,
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

function opsetSplices(proto: ModelProto, records: ModelRecords, opset: number, size: number): readonly Splice[] {
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
