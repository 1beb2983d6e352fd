import { decodeModel } from "./decode-model.js";
import { OnnxError } from "./errors.js";
import { ModelField } from "./graph-records.js";
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
import { literal } from "./splice.js";
import { splicedSource } from "./spliced-source.js";
import { claimNames, definedNames, nameTaken } from "./value-names.js";
import { record } from "./wire-record.js";
import { withFields } from "./with-fields.js";

/** What {@link appendToGraph} adds, each in its order behind what is there. */
export interface GraphAddition {
  /** They may read every value of the main graph and of nodes before them. @default none */
  readonly nodes?: readonly NodeProto[];
  /** Complete in themselves: no external data. @default none */
  readonly initializers?: readonly TensorProto[];
  /** Values of the main graph or of the new nodes that become outputs. @default none */
  readonly outputs?: readonly ValueInfoProto[];
}

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
  const bytes = record(ModelField.graph, toBinary(GraphProtoSchema, message));
  const added = decodeModel(bytes);
  const { source } = model.storage;
  const shifted = locationShift(source.size);
  const moved = [...added.storage.tensors].map(([tensor, location]) => [tensor, shifted(location)] as const);
  return {
    proto: withFields(model.proto, { graph: joined(graph, added.proto.graph!) }),
    storage: {
      ...model.storage,
      source: splicedSource(source, [literal(source.size, source.size, bytes)]),
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

/** Names of values are unique in a graph and in all graphs below it. */
function checkNames(model: Model, { nodes, initializers, outputs }: Required<GraphAddition>): void {
  claimNames(definedNames(model.proto), nodes, initializers);
  const outputNames = new Set(model.proto.graph?.output.map(({ name }) => name));
  for (const { name } of outputs) {
    if (outputNames.has(name)) throw nameTaken("output", name);
    outputNames.add(name);
  }
}
