import { subgraphsOf } from "./bodies.js";
import { buildModel } from "./build-model.js";
import { dtypeName } from "./dtype.js";
import { isExternal } from "./external-entries.js";
import { makeNode } from "./make-node.js";
import type { Model } from "./model.js";
import type { NewTensor } from "./new-tensor.js";
import type { NodeProto, SparseTensorProto, TensorProto, ValueInfoProto } from "./proto.js";
import { functionKey } from "./weights/node-names.js";
import { tensorBytes } from "./tensor-bytes.js";
import { tensorChunks } from "./tensor-chunks.js";
import { type GraphScope, walkGraphs } from "./tensors.js";
import { readNames } from "./value-names.js";

/** IR version in which initializers need not be inputs and all runtimes in use read sparse ones. */
const LEAST_IR_VERSION = 8;

/** What is to be cut out of a model. */
export interface Extraction {
  /**
   * Values to compute: name in the model → the declaration under which the extracted model hands it out, with a name that no
   * value of the model has.
   */
  readonly outputs: ReadonlyMap<string, ValueInfoProto>;
  /** Values that are fed instead of being computed. @default none: constants must do */
  readonly inputs?: readonly ValueInfoProto[];
}

/** A part of a model that runs by itself. */
export interface ExtractedModel {
  readonly model: Model;
  /** The nodes that are in it: objects of the given model, in its order, outer graphs first. */
  readonly nodes: readonly NodeProto[];
  /** The initializers that are in it, of the given model; sparse ones by their values. */
  readonly tensors: readonly TensorProto[];
}

/**
 * Cuts parts out of a graph of a model, to be made once for it. What is returned finds the nodes and initializers that
 * compute some values; undefined where one of them depends on a value that is neither stored in the graph, or in those around it,
 * nor among the inputs. Data is copied when the extracted model is read or written; none of it is in external files.
 *
 * @param scope of this model; @default its main graph
 */
export function modelExtractor(
  model: Model,
  scope: GraphScope | undefined = mainScope(model),
): (extraction: Extraction) => ExtractedModel | undefined {
  if (scope === undefined || (scope.path[0] !== "main" && scope.path[0] !== "functions")) return () => undefined;
  const scopes = [scope];
  for (let around = scope.parent; around !== undefined; around = around.parent) scopes.unshift(around);
  const sources = sourcesOf(model, scopes);
  return (extraction) => {
    const parts = collect(sources, extraction);
    return parts && { ...parts, model: assembled(model, sources, parts, extraction) };
  };
}

function mainScope({ proto }: Model): GraphScope | undefined {
  const first = walkGraphs(proto).next();
  return proto.graph === undefined || first.done ? undefined : first.value;
}

interface Sources {
  readonly nodes: readonly NodeProto[];
  readonly producers: ReadonlyMap<string, NodeProto>;
  readonly dense: ReadonlyMap<string, TensorProto>;
  readonly sparse: ReadonlyMap<string, SparseTensorProto>;
  /** The versions of operators that the nodes mean. */
  readonly opsetImport: Model["proto"]["opsetImport"];
}

type Parts = Pick<ExtractedModel, "nodes" | "tensors">;

/** What a graph sees: its own values and those of the graphs around it, which come first. */
function sourcesOf(model: Model, scopes: readonly GraphScope[]): Sources {
  const nodes = scopes.flatMap((scope) => scope.nodes);
  const dense = scopes.flatMap(({ graph }) => graph?.initializer ?? []);
  const sparse = scopes.flatMap(({ graph }) => graph?.sparseInitializer ?? []);
  return {
    nodes,
    producers: new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const))),
    dense: new Map(dense.map((tensor) => [tensor.name, tensor])),
    sparse: new Map(sparse.map((tensor) => [tensor.values?.name ?? "", tensor])),
    opsetImport: (scopes[0]?.function ?? model.proto).opsetImport,
  };
}

/** Walks from the outputs back to constants and inputs. */
function collect(sources: Sources, { outputs, inputs = [] }: Extraction): Parts | undefined {
  const given = new Set(inputs.map(({ name }) => name));
  const nodes = new Set<NodeProto>();
  const tensors = new Map<string, TensorProto>();
  const waiting = [...outputs.keys()].map((name) => ({ name, isOptional: false }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { name, isOptional } = next;
    if (given.has(name)) continue;
    const tensor = sources.dense.get(name) ?? sources.sparse.get(name)?.values;
    const node = sources.producers.get(name);
    if (tensor !== undefined) tensors.set(name, tensor);
    else if (node === undefined) {
      if (!isOptional) return undefined;
    } else if (!nodes.has(node)) {
      nodes.add(node);
      waiting.push(...readBy(node));
    }
  }
  return { nodes: sources.nodes.filter((node) => nodes.has(node)), tensors: [...tensors.values()] };
}

/** What a node reads. Names in its subgraphs may be their own: those are taken along only where the graph has them. */
function readBy(node: NodeProto): { name: string; isOptional: boolean }[] {
  const own = node.input.filter((name) => name !== "").map((name) => ({ name, isOptional: false }));
  const below = subgraphsOf(node).flatMap((graph) => [...readNames(graph)]);
  return [...own, ...below.map((name) => ({ name, isOptional: true }))];
}

function assembled(
  model: Model,
  { sparse: sparseByName, opsetImport }: Sources,
  { nodes, tensors }: Parts,
  extraction: Extraction,
): Model {
  const copies = [...extraction.outputs].map(([value, { name }]) => makeNode("Identity", [value], [name]));
  const sparse = new Map([...sparseByName.values()].map((tensor) => [tensor.values, tensor]));
  return buildModel({
    nodes: [...nodes, ...copies],
    initializers: tensors.map((tensor) => ownTensor(model, tensor, sparse.get(tensor))),
    inputs: extraction.inputs ?? [],
    outputs: [...extraction.outputs.values()],
    opsets: new Map(opsetImport.map(({ domain, version }) => [domain, Number(version)])),
    functions: calledFunctions(model, nodes),
    irVersion: Math.max(LEAST_IR_VERSION, Number(model.proto.irVersion)),
    from: model,
  });
}

/** All functions of the model where one of them is called: which of them that one calls is not looked at. */
function calledFunctions({ proto }: Model, nodes: readonly NodeProto[]) {
  const keys = new Set(proto.functions.map(({ domain, name, overload }) => functionKey(domain, name, overload)));
  const isCalled = nodes.some(({ domain, opType, overload }) => keys.has(functionKey(domain, opType, overload)));
  return isCalled || nodes.some((node) => subgraphsOf(node).length > 0) ? proto.functions : [];
}

function ownTensor(model: Model, tensor: TensorProto, sparse: SparseTensorProto | undefined): TensorProto | NewTensor {
  if (sparse !== undefined) return ownSparse(model, tensor, sparse);
  if (!isExternal(tensor)) return tensor;
  const { name, dataType, dims } = tensor;
  return { name, dataType, dims: dims.map(Number), data: () => tensorChunks(model, tensor) };
}

function ownSparse(model: Model, values: TensorProto, { indices, dims }: SparseTensorProto): NewTensor {
  const shape = dims.map(Number);
  return {
    name: values.name,
    dataType: values.dataType,
    dims: shape,
    data: () => tensorBytes(model, values),
    sparse: {
      count: Number(values.dims[0] ?? 0n),
      indices: () => (indices === undefined ? new Uint8Array() : linearIndices(model, indices, shape)),
    },
  };
}

/** Indices come as `[count]`, row-major, or as `[count, rank]`. */
function linearIndices(model: Model, indices: TensorProto, shape: readonly number[]): Uint8Array {
  const bytes = tensorBytes(model, indices);
  if (indices.dims.length < 2 || dtypeName(indices.dataType) !== "int64") return bytes;
  const coordinates = new BigInt64Array(bytes.buffer);
  const linear = new BigInt64Array(coordinates.length / Math.max(1, shape.length));
  for (let index = 0; index < linear.length; index++) {
    const at = index * shape.length;
    linear[index] = shape.reduce((sum, size, axis) => sum * BigInt(size) + coordinates[at + axis]!, 0n);
  }
  return new Uint8Array(linear.buffer);
}
