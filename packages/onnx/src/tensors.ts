import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto } from "./proto.js";

/** A list of nodes that share names of values: a graph or the body of a function. */
export interface GraphScope {
  /**
   * Where it is: `["main"]` for the main graph, one name for the node and one for the attribute for each subgraph below
   * (`["main", "if_3", "then_branch"]`), `["functions", "domain:name"]`, `["training", "0", "algorithm"]`.
   * Unique within the model.
   */
  readonly path: readonly string[];
  /** The scope whose node holds this subgraph. */
  readonly parent?: GraphScope;
  /** Absent for the body of a function. */
  readonly graph?: GraphProto;
  /** Absent for graphs. */
  readonly function?: FunctionProto;
  readonly nodes: readonly NodeProto[];
}

/** One tensor of a model and where it stands. */
export interface TensorEntry {
  readonly tensor: TensorProto;
  /** The graph or function it is in. */
  readonly scope: GraphScope;
  readonly role: "initializer" | "sparse-values" | "sparse-indices" | "attribute";
  /** For the role `attribute`. Absent for the default of a function's attribute. */
  readonly node?: NodeProto;
  /** For the role `attribute`. */
  readonly attribute?: AttributeProto;
}

/** Every graph and function body of a model, outer ones before those nested in them, in file order. */
export function* walkGraphs(model: ModelProto): Generator<GraphScope> {
  if (model.graph !== undefined) yield* graphAndBelow(model.graph, ["main"], undefined);
  for (const [index, training] of model.trainingInfo.entries()) {
    const path = ["training", String(index)];
    if (training.initialization !== undefined)
      yield* graphAndBelow(training.initialization, [...path, "initialization"], undefined);
    if (training.algorithm !== undefined) yield* graphAndBelow(training.algorithm, [...path, "algorithm"], undefined);
  }
  const labels = uniqueLabels(
    model.functions.map((body) => [body.domain, body.name, body.overload].filter((part) => part !== "").join(":")),
  );
  for (const [index, body] of model.functions.entries()) {
    const scope: GraphScope = { path: ["functions", labels[index]!], function: body, nodes: body.node };
    yield scope;
    yield* belowAttributes(body.attributeProto, ["", "defaults"], scope);
    yield* belowNodes(scope);
  }
}

/** Every tensor of a model: initializers, sparse ones, attributes of nodes, in all graphs and functions. */
export function* walkTensors(model: ModelProto): Generator<TensorEntry> {
  for (const scope of walkGraphs(model)) {
    for (const tensor of scope.graph?.initializer ?? []) yield { tensor, scope, role: "initializer" };
    for (const { values, indices } of scope.graph?.sparseInitializer ?? []) {
      if (values !== undefined) yield { tensor: values, scope, role: "sparse-values" };
      if (indices !== undefined) yield { tensor: indices, scope, role: "sparse-indices" };
    }
    for (const attribute of scope.function?.attributeProto ?? []) yield* attributeTensors(attribute, scope, undefined);
    for (const node of scope.nodes) {
      for (const attribute of node.attribute) yield* attributeTensors(attribute, scope, node);
    }
  }
}

function* attributeTensors(
  attribute: AttributeProto,
  scope: GraphScope,
  node: NodeProto | undefined,
): Generator<TensorEntry> {
  const place = node === undefined ? { scope, attribute } : { scope, node, attribute };
  if (attribute.t !== undefined) yield { ...place, tensor: attribute.t, role: "attribute" };
  for (const tensor of attribute.tensors) yield { ...place, tensor, role: "attribute" };
  const sparse =
    attribute.sparseTensor === undefined
      ? attribute.sparseTensors
      : [attribute.sparseTensor, ...attribute.sparseTensors];
  for (const { values, indices } of sparse) {
    if (values !== undefined) yield { ...place, tensor: values, role: "sparse-values" };
    if (indices !== undefined) yield { ...place, tensor: indices, role: "sparse-indices" };
  }
}

function* graphAndBelow(
  graph: GraphProto,
  path: readonly string[],
  parent: GraphScope | undefined,
): Generator<GraphScope> {
  const scope: GraphScope = { path, graph, nodes: graph.node, ...(parent && { parent }) };
  yield scope;
  yield* belowNodes(scope);
}

function* belowNodes(scope: GraphScope): Generator<GraphScope> {
  // Most graphs have no subgraphs: names are only compared where there are some.
  if (!scope.nodes.some((node) => node.attribute.some(hasGraphs))) return;
  const labels = uniqueLabels(scope.nodes.map((node) => (node.name === "" ? node.opType : node.name)));
  for (const [index, node] of scope.nodes.entries()) yield* belowAttributes(node.attribute, [labels[index]!], scope);
}

function* belowAttributes(
  attributes: readonly AttributeProto[],
  at: readonly string[],
  parent: GraphScope,
): Generator<GraphScope> {
  for (const attribute of attributes.filter(hasGraphs)) {
    const path = [...parent.path, ...at, attribute.name];
    if (attribute.g !== undefined) yield* graphAndBelow(attribute.g, path, parent);
    for (const [index, graph] of attribute.graphs.entries()) {
      yield* graphAndBelow(graph, [...path, String(index)], parent);
    }
  }
}

function hasGraphs(attribute: AttributeProto): boolean {
  return attribute.g !== undefined || attribute.graphs.length > 0;
}

/**
 * Names that appear several times get `#` and how many of them came before, until they are unique: so a graph keeps its path
 * when other nodes are added.
 */
function uniqueLabels(names: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const taken = new Set(names.filter((name) => counts.get(name) === 1));
  const before = new Map<string, number>();
  return names.map((name) => {
    if (counts.get(name) === 1) return name;
    const number = before.get(name) ?? 0;
    before.set(name, number + 1);
    let label = `${name}#${number}`;
    while (taken.has(label)) label += "#";
    taken.add(label);
    return label;
  });
}
