import type { Model, NodeProto, SparseTensorProto, TensorProto, ValueInfoProto } from "@espalier/onnx";
import { tensorsOf, valuesRead } from "./subgraphs.js";

/** A node of the main graph that computes something while the model runs: `Constant` nodes of tensors are constants. */
export interface GraphNode {
  readonly proto: NodeProto;
  /** Values of the main graph that it reads, those that its subgraphs read included. */
  readonly reads: ReadonlySet<string>;
  /** In its attributes and subgraphs. */
  readonly tensors: readonly TensorProto[];
  /** Whether it is of the model itself, not of what lays inputs out. */
  readonly isOwn: boolean;
  /** Whether its outputs may be handed from one stage to the next. */
  readonly isCarriable: boolean;
}

/** A named value whose data the model holds. */
export type Constant = { readonly tensor: TensorProto } | { readonly sparse: SparseTensorProto };

/** The main graph of a model, by names of values. */
export interface StageGraph {
  /** In the model's order. */
  readonly nodes: readonly GraphNode[];
  /** The node that computes a value. */
  readonly makers: ReadonlyMap<string, GraphNode>;
  readonly constants: ReadonlyMap<string, Constant>;
  /** Inputs that every sample holds. */
  readonly inputs: ReadonlyMap<string, ValueInfoProto>;
}

/** Operators whose outputs are no tensors, which only ONNX Runtime itself can hold: they are computed again where needed. */
const MAKES_NO_TENSOR: ReadonlySet<string> = new Set([
  "Optional",
  "SequenceConstruct",
  "SequenceEmpty",
  "SequenceErase",
  "SequenceInsert",
  "SequenceMap",
  "SplitToSequence",
]);

/**
 * The main graph of a model that inputs have been laid out in.
 *
 * @param own nodes of the model as it was before: only what these compute is handed on, because laid-out inputs are larger than
 *   what they are made of, nine times for a 3×3 convolution
 */
export function stageGraph({ proto }: Model, own: ReadonlySet<NodeProto>): StageGraph {
  const { graph } = proto;
  const constants = new Map<string, Constant>();
  for (const tensor of graph?.initializer ?? []) constants.set(tensor.name, { tensor });
  for (const sparse of graph?.sparseInitializer ?? []) constants.set(sparse.values?.name ?? "", { sparse });
  const nodes: GraphNode[] = [];
  for (const node of graph?.node ?? []) {
    const constant = constantOf(node);
    if (constant !== undefined) constants.set(node.output[0]!, constant);
    else nodes.push(graphNode(node, own));
  }
  const makers = new Map(nodes.flatMap((node) => node.proto.output.map((name) => [name, node] as const)));
  const inputs = (graph?.input ?? []).filter(({ name }) => !constants.has(name));
  return { nodes, makers, constants, inputs: new Map(inputs.map((info) => [info.name, info])) };
}

/** The nodes that some values need, in the model's order; values that are given are not computed. */
export function nodesFor(
  graph: StageGraph,
  values: Iterable<string>,
  isGiven: (value: string) => boolean,
): readonly GraphNode[] {
  const needed = new Set<GraphNode>();
  const open = [...values];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    const maker = isGiven(value) ? undefined : graph.makers.get(value);
    if (maker === undefined || needed.has(maker)) continue;
    needed.add(maker);
    open.push(...maker.reads);
  }
  return graph.nodes.filter((node) => needed.has(node));
}

function graphNode(proto: NodeProto, own: ReadonlySet<NodeProto>): GraphNode {
  const isOwn = own.has(proto);
  const isCarriable = isOwn && !MAKES_NO_TENSOR.has(proto.opType);
  return { proto, reads: valuesRead(proto), tensors: tensorsOf(proto), isOwn, isCarriable };
}

function constantOf({ opType, domain, attribute }: NodeProto): Constant | undefined {
  if (opType !== "Constant" || !["", "ai.onnx"].includes(domain)) return undefined;
  for (const { name, t, sparseTensor } of attribute) {
    if (name === "value" && t) return { tensor: t };
    if (name === "sparse_value" && sparseTensor) return { sparse: sparseTensor };
  }
  return undefined;
}
