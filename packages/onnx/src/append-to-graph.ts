import { type ByteSource, checkRange } from "./byte-source.js";
import { decodeModel } from "./decode-model.js";
import { OnnxError } from "./errors.js";
import { locationShift } from "./location-shift.js";
import type { Model } from "./model.js";
import {
  create,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  type TensorProto,
  toBinary,
  type ValueInfoProto,
} from "./proto.js";
import { walkGraphs } from "./tensors.js";
import { record } from "./wire-record.js";

/** What {@link appendToGraph} adds, each in its order behind what is there. */
export interface GraphAddition {
  /** They may read every value of the main graph and of nodes before them. @default none */
  readonly nodes?: readonly NodeProto[];
  /** Complete in themselves: no external data. @default none */
  readonly initializers?: readonly TensorProto[];
  /** Values of the main graph or of the new nodes that become outputs. @default none */
  readonly outputs?: readonly ValueInfoProto[];
}

/** Field number of `ModelProto.graph`. */
const GRAPH = 7;

/**
 * A model whose main graph has more nodes, initializers and outputs.
 *
 * Protobuf messages concatenate: a second `graph` record behind the end of the file merges into the first. So nothing of
 * the file is encoded again, it comes out byte for byte with the addition behind it, and memory is the addition. Edits and
 * metadata of the model stay; the new initializers are tensors of the result like all others.
 *
 * @throws {OnnxError} `malformed` when a new value has the name of another one or the model has no main graph;
 *   `too-large` when the file would exceed 2 GB
 */
export function appendToGraph(model: Model, addition: GraphAddition): Model {
  const { graph } = model.proto;
  if (graph === undefined) throw new OnnxError("malformed", "the model has no main graph that could be added to");
  const { nodes = [], initializers = [], outputs = [] } = addition;
  if (nodes.length + initializers.length + outputs.length === 0) return model;
  checkNames(model, { nodes, initializers, outputs });
  const message = create(GraphProtoSchema, { node: [...nodes], initializer: [...initializers], output: [...outputs] });
  const bytes = record(GRAPH, toBinary(GraphProtoSchema, message));
  const added = decodeModel(bytes);
  const { source } = model.storage;
  const shifted = locationShift(source.size);
  const moved = [...added.storage.tensors].map(([tensor, location]) => [tensor, shifted(location)] as const);
  return {
    proto: withFields(model.proto, { graph: joined(graph, added.proto.graph!) }),
    storage: {
      ...model.storage,
      source: joinedSource(source, bytes),
      tensors: new Map([...model.storage.tensors, ...moved]),
    },
  };
}

function joined(graph: GraphProto, more: GraphProto): GraphProto {
  return withFields(graph, {
    node: [...graph.node, ...more.node],
    initializer: [...graph.initializer, ...more.initializer],
    output: [...graph.output, ...more.output],
  });
}

/** A message with other values in some fields. Its prototype holds the defaults of proto2, so a spread would lose them. */
function withFields<Message extends object>(message: Message, fields: Partial<Message>): Message {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, fields);
}

function joinedSource(first: ByteSource, more: Uint8Array): ByteSource {
  const size = first.size + more.length;
  const context = first.path === undefined ? {} : { path: first.path };
  const readInto = (target: Uint8Array, offset: number): void => {
    checkRange(offset, target.length, size, first.path);
    const inFirst = Math.max(0, Math.min(target.length, first.size - offset));
    if (inFirst > 0) first.readInto(target.subarray(0, inFirst), offset);
    const start = offset + inFirst - first.size;
    if (inFirst < target.length) target.set(more.subarray(start, start + target.length - inFirst), inFirst);
  };
  const read = (offset: number, length: number): Uint8Array => {
    checkRange(offset, length, size, first.path);
    if (offset + length <= first.size) return first.read(offset, length);
    const bytes = new Uint8Array(length);
    readInto(bytes, offset);
    return bytes;
  };
  return { size, ...context, read, readInto };
}

/** Names of values are unique in a graph and in all graphs below it. */
function checkNames(model: Model, { nodes, initializers, outputs }: Required<GraphAddition>): void {
  const taken = new Set<string>();
  for (const { path, graph, nodes: existing } of walkGraphs(model.proto)) {
    if (path[0] !== "main") continue;
    for (const { name } of [...(graph?.input ?? []), ...(graph?.initializer ?? [])]) taken.add(name);
    for (const { values } of graph?.sparseInitializer ?? []) taken.add(values?.name ?? "");
    for (const { output } of existing) for (const name of output) taken.add(name);
  }
  const defined = [...initializers.map(({ name }) => name), ...nodes.flatMap(({ output }) => output)];
  for (const name of defined.filter((name) => name !== "")) {
    if (taken.has(name)) throw nameTaken("value", name);
    taken.add(name);
  }
  const outputNames = new Set(model.proto.graph?.output.map(({ name }) => name));
  for (const { name } of outputs) {
    if (outputNames.has(name)) throw nameTaken("output", name);
    outputNames.add(name);
  }
}

function nameTaken(what: string, name: string): OnnxError {
  const message = `the graph already has the ${what} ${JSON.stringify(name)}: what is appended needs names of its own`;
  return new OnnxError("malformed", message);
}
