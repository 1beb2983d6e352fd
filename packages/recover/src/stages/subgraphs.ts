import { type AttributeProto, type GraphProto, type NodeProto, type TensorProto, withFields } from "@espalier/onnx";

/** How {@link copyNode} changes what it copies. */
export interface Copying {
  /** New name of a value of the main graph; the same name where nothing changes. */
  rename(name: string): string;
  /** What stands in place of a dense tensor; the tensor itself where nothing changes. */
  fill(tensor: TensorProto): TensorProto;
}

/** Values of the main graph that a node reads: its inputs, and what its subgraphs take from around them. */
export function valuesRead(node: NodeProto): ReadonlySet<string> {
  const reads = new Set(node.input.filter((name) => name !== ""));
  for (const graph of subgraphsOf(node)) for (const name of captured(graph)) reads.add(name);
  return reads;
}

/** Every dense tensor in the attributes of a node, those of its subgraphs and their initializers included. */
export function tensorsOf(node: NodeProto): readonly TensorProto[] {
  return node.attribute.flatMap((attribute) => [
    ...(attribute.t ? [attribute.t] : []),
    ...attribute.tensors,
    ...graphsOf(attribute).flatMap((graph) => [...graph.initializer, ...graph.node.flatMap(tensorsOf)]),
  ]);
}

/** A node of the main graph with other values and tensors. */
export function copyNode(node: NodeProto, name: string, copying: Copying): NodeProto {
  const output = node.output.map((value) => renamed(value, copying));
  return withFields(inside(node, copying), { name, output });
}

/** A node whose outputs keep their names. */
function inside(node: NodeProto, copying: Copying): NodeProto {
  return withFields(node, {
    input: node.input.map((name) => renamed(name, copying)),
    attribute: node.attribute.map((attribute) => copyAttribute(attribute, copying)),
  });
}

function renamed(name: string, { rename }: Copying): string {
  return name === "" ? "" : rename(name);
}

function copyAttribute(attribute: AttributeProto, copying: Copying): AttributeProto {
  const { t, tensors, g, graphs } = attribute;
  return withFields(attribute, {
    ...(t && { t: copying.fill(t) }),
    ...(g && { g: copyGraph(g, copying) }),
    tensors: tensors.map(copying.fill),
    graphs: graphs.map((graph) => copyGraph(graph, copying)),
  });
}

/** A subgraph that reads other values around it; its own values keep their names. */
function copyGraph(graph: GraphProto, outer: Copying): GraphProto {
  const own = definedIn(graph);
  const copying: Copying = { ...outer, rename: (name) => (own.has(name) ? name : outer.rename(name)) };
  return withFields(graph, {
    node: graph.node.map((node) => inside(node, copying)),
    initializer: graph.initializer.map(copying.fill),
    output: graph.output.map((info) => withFields(info, { name: copying.rename(info.name) })),
  });
}

function captured(graph: GraphProto): ReadonlySet<string> {
  const own = definedIn(graph);
  const read = [...graph.node.flatMap((node) => [...valuesRead(node)]), ...graph.output.map(({ name }) => name)];
  return new Set(read.filter((name) => !own.has(name)));
}

function definedIn(graph: GraphProto): ReadonlySet<string> {
  return new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ""),
    ...graph.node.flatMap(({ output }) => output),
  ]);
}

function subgraphsOf(node: NodeProto): readonly GraphProto[] {
  return node.attribute.flatMap(graphsOf);
}

function graphsOf({ g, graphs }: AttributeProto): readonly GraphProto[] {
  return g ? [g, ...graphs] : graphs;
}
