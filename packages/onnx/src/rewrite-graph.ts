import { carriedEdits } from "./carried-edits.js";
import { decodeSource } from "./decode-model.js";
import { OnnxError } from "./errors.js";
import type { Model } from "./model.js";
import { asMessages, type Initializers, type NewTensor } from "./new-tensor.js";
import type { GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from "./proto.js";
import { rewriteSplices } from "./rewrite-splices.js";
import { splicedSource } from "./spliced-source.js";
import { claimNames, definedNames, readNames } from "./value-names.js";
import { withFields } from "./with-fields.js";

/** What {@link rewriteGraph} changes in the main graph. Nodes, tensors and inputs of the model are named by their objects. */
export interface GraphRewrite {
  /** A node → what stands in its place; `[]` removes it. The node itself may be among them. @default none */
  readonly replace?: ReadonlyMap<NodeProto, readonly NodeProto[]>;
  /** Come before all other nodes. @default none */
  readonly prepend?: readonly NodeProto[];
  /** Initializers that go; sparse ones by their values. @default none */
  readonly remove?: ReadonlySet<TensorProto>;
  /** Come behind the others; tensors of the model bring their data along. @default none */
  readonly initializers?: readonly (TensorProto | NewTensor)[];
  /** Inputs that go, such as those that only declare an initializer, as models before IR version 4 do. @default none */
  readonly removeInputs?: ReadonlySet<ValueInfoProto>;
  /** New version of ONNX's own operators, not below the present one. Functions import their own. @default as it is */
  readonly opset?: number;
  /** New IR version, not below the present one. @default as it is */
  readonly irVersion?: number;
}

/** A rewrite as it is carried out. */
export interface ResolvedRewrite extends Required<Omit<GraphRewrite, "opset" | "irVersion" | "initializers">> {
  readonly opset: number | undefined;
  readonly irVersion: number | undefined;
  readonly initializers: Initializers;
}

/**
 * A model with another main graph: nodes replaced or put in front, initializers and inputs removed, others added.
 *
 * All that is not named comes out as it was, byte for byte and in its order: nodes, unknown fields, metadata, functions,
 * external data, edits. Memory is what the new nodes take: tensors stay in the file they are in, and data of a
 * {@link NewTensor} is computed when the result is read or written. New nodes may hold tensors of the model in their
 * attributes. The structure of the result has objects of its own: nodes and tensors of the given model are not in it.
 *
 * External data of removed tensors stays in its file as long as other tensors are there, unless the result is written
 * with `externalData: { location }` or `"embed"`.
 *
 * @throws {OnnxError} `malformed` when the model has no main graph or no such node, tensor or input, when a new value has
 *   the name of another one, when a value is still read that is gone, or a version would sink; `shape-mismatch` when a new
 *   tensor has no data; `too-large`
 */
export function rewriteGraph(model: Model, rewrite: GraphRewrite): Model {
  const { graph } = model.proto;
  if (graph === undefined) throw new OnnxError("malformed", "the model has no main graph that could be rewritten");
  const resolved = resolve(rewrite);
  checkMembers(graph, resolved);
  const intended = intendedProto(model.proto, graph, resolved);
  checkNames(model.proto, graph, resolved, intended);
  const { source, external, metadataEdits } = model.storage;
  const encoded = decodeSource(splicedSource(source, rewriteSplices(model, graph, resolved)), external);
  const edits = carriedEdits(intended, encoded, { model, computed: resolved.initializers.computed });
  return { proto: encoded.proto, storage: { ...encoded.storage, edits, metadataEdits } };
}

function resolve({ opset, irVersion, initializers = [], ...rest }: GraphRewrite): ResolvedRewrite {
  const defaults = { replace: new Map(), prepend: [], remove: new Set<never>(), removeInputs: new Set<never>() };
  return { ...defaults, ...rest, opset, irVersion, initializers: asMessages(initializers) };
}

/** The structure of the result, with the objects of the given model and of the rewrite. */
function intendedProto(proto: ModelProto, graph: GraphProto, rewrite: ResolvedRewrite): ModelProto {
  const { replace, prepend, remove, removeInputs, initializers } = rewrite;
  const keptSparse = graph.sparseInitializer.filter(({ values }) => values === undefined || !remove.has(values));
  return withFields(proto, {
    graph: withFields(graph, {
      node: [...prepend, ...graph.node.flatMap((node) => replace.get(node) ?? [node])],
      initializer: [...graph.initializer.filter((tensor) => !remove.has(tensor)), ...initializers.dense],
      sparseInitializer: [...keptSparse, ...initializers.sparse],
      input: graph.input.filter((input) => !removeInputs.has(input)),
    }),
  });
}

function checkMembers(graph: GraphProto, { replace, remove, removeInputs }: ResolvedRewrite): void {
  const values = graph.sparseInitializer.map((tensor) => tensor.values);
  const members = new Set<unknown>([...graph.node, ...graph.initializer, ...values, ...graph.input]);
  for (const one of [...replace.keys(), ...remove, ...removeInputs]) {
    if (members.has(one)) continue;
    throw new OnnxError(
      "malformed",
      `${JSON.stringify(one.name)} is not in the model's main graph: use its own objects`,
    );
  }
}

function checkNames(before: ModelProto, graph: GraphProto, rewrite: ResolvedRewrite, intended: ModelProto): void {
  const { replace, prepend, remove, removeInputs, initializers } = rewrite;
  const kept = new Set<NodeProto>(graph.node.filter((node) => !replace.has(node)));
  const bare = withFields(intended, {
    graph: withFields(intended.graph!, {
      node: [...kept],
      initializer: graph.initializer.filter((tensor) => !remove.has(tensor)),
      sparseInitializer: intended.graph!.sparseInitializer.filter((one) => !initializers.sparse.includes(one)),
      input: graph.input.filter((input) => !removeInputs.has(input)),
    }),
  });
  const taken = definedNames(bare);
  const sparseNames = initializers.sparse.map(({ values }) => values!);
  claimNames(taken, [...prepend, ...[...replace.values()].flat()], [...initializers.dense, ...sparseNames]);
  const read = readNames(intended);
  const defined = definedNames(intended);
  for (const name of definedNames(before)) {
    if (name === "" || defined.has(name) || !read.has(name)) continue;
    const message = `the value ${JSON.stringify(name)} is still read, but the rewrite removes what computes it`;
    throw new OnnxError("malformed", message);
  }
}
