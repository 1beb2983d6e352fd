import { carriedEdits } from "./carried-edits.js";
import { decodeModel } from "./decode-model.js";
import type { Model } from "./model.js";
import { asMessages, type NewTensor } from "./new-tensor.js";
import {
  create,
  type FunctionProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  toBinary,
  type ValueInfoProto,
} from "./proto.js";

/** IR version of built models: the oldest with initializers that are no inputs is 4; 8 is read by all runtimes in use. */
const DEFAULT_IR_VERSION = 8;

/** What a new model consists of. */
export interface ModelParts {
  /** In an order in which every value is computed before it is read. */
  readonly nodes: readonly NodeProto[];
  /** @default none */
  readonly initializers?: readonly (TensorProto | NewTensor)[];
  /** @default none */
  readonly inputs?: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  /** Domain → version; `""` is ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
  /** @default none */
  readonly functions?: readonly FunctionProto[];
  /** @default 8 */
  readonly irVersion?: number;
  /** Name of the graph. @default "graph" */
  readonly name?: string;
  /** The model that nodes, functions or initializers were taken from: data of their tensors comes from it. @default none */
  readonly from?: Model;
}

/**
 * A model from parts. Memory is that of the structure: tensors of `from` stay where they are and data of a
 * {@link NewTensor} is computed, both when the model is read or written. Nothing is checked but what `decodeModel` checks.
 *
 * @throws {OnnxError} `shape-mismatch` when a tensor has no data; `too-large`
 */
export function buildModel(parts: ModelParts): Model {
  const { dense, sparse, computed } = asMessages(parts.initializers ?? []);
  const intended = create(ModelProtoSchema, {
    irVersion: BigInt(parts.irVersion ?? DEFAULT_IR_VERSION),
    opsetImport: [...parts.opsets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
    graph: create(GraphProtoSchema, {
      name: parts.name ?? "graph",
      node: [...parts.nodes],
      initializer: [...dense],
      sparseInitializer: [...sparse],
      input: [...(parts.inputs ?? [])],
      output: [...parts.outputs],
    }),
    functions: [...(parts.functions ?? [])],
  });
  const encoded = decodeModel(toBinary(ModelProtoSchema, intended));
  const edits = carriedEdits(intended, encoded, { model: parts.from, computed });
  const { external } = parts.from?.storage ?? encoded.storage;
  return { proto: encoded.proto, storage: { ...encoded.storage, external, edits } };
}
