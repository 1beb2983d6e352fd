import {
  type AttributeProto,
  type Model,
  type NewTensor,
  type NodeProto,
  rewriteGraph,
  walkGraphs,
  withFields,
} from "@espalier/onnx";
import type { MainGraph } from "./main-graph.js";
import type { ReadTensor, Restoration } from "./reading.js";

/**
 * The judged model with tensors dense again, as initializers behind the others, and without what computed them. What something
 * that stays reads is left where it is.
 */
export function restoreGraph(
  judged: MainGraph,
  restoration: Restoration,
): { readonly model: Model; readonly dropped: ReadonlySet<string> } {
  const { tensors, initializers, attributes, inputs, instead } = restoration;
  const redefined = new Set([
    ...tensors.map(({ name }) => name),
    ...[...instead.values()].flat().flatMap(({ output }) => output),
  ]);
  const { alive, read } = liveness(judged, restoration, redefined);
  const replace = new Map<NodeProto, readonly NodeProto[]>();
  const dropped = new Set<string>();
  for (const node of judged.nodes) {
    const stays = alive.has(node)
      ? [changed(node, { inputs: inputs.get(node), attributes: attributes.get(node), redefined })]
      : [];
    if (stays.length === 0) for (const name of node.output) if (!redefined.has(name)) dropped.add(name);
    const next = [...stays, ...(instead.get(node) ?? [])];
    if (next.length !== 1 || next[0] !== node) replace.set(node, next);
  }
  const remove = new Set([...initializers].filter(({ name }) => redefined.has(name) || !read.has(name)));
  for (const { name } of remove) if (!redefined.has(name)) dropped.add(name);
  const gone = new Set([...remove].map(({ name }) => name));
  const removeInputs = new Set(judged.model.proto.graph!.input.filter(({ name }) => gone.has(name)));
  const model = rewriteGraph(judged.model, { replace, remove, removeInputs, initializers: tensors.map(asInitializer) });
  return { model, dropped };
}

/** Which nodes stay, and which values they and the original's nodes among them read. */
function liveness(judged: MainGraph, { nodes, inputs, instead }: Restoration, redefined: ReadonlySet<string>) {
  const read = new Set([...judged.outputs, ...namesBelow(judged.model)]);
  for (const node of [...instead.values()].flat()) for (const name of node.input) read.add(name);
  const alive = new Set<NodeProto>();
  const stay = (node: NodeProto): void => {
    alive.add(node);
    for (const [input, name] of node.input.entries()) read.add(inputs.get(node)?.get(input) ?? name);
  };
  for (const node of judged.nodes) if (!nodes.has(node)) stay(node);
  for (const node of judged.nodes.toReversed()) {
    if (nodes.has(node) && node.output.some((name) => read.has(name) && !redefined.has(name))) stay(node);
  }
  return { alive, read };
}

/** Names that subgraphs of the main graph read or hand out, their own values included. */
export function* namesBelow({ proto }: Model): Generator<string> {
  for (const { path, graph, nodes } of walkGraphs(proto)) {
    if (path[0] !== "main" || path.length === 1) continue;
    for (const { input } of nodes) yield* input;
    for (const { name } of graph?.output ?? []) yield name;
  }
}

function changed(
  node: NodeProto,
  {
    inputs,
    attributes,
    redefined,
  }: {
    readonly inputs: ReadonlyMap<number, string> | undefined;
    readonly attributes: AttributeProto[] | undefined;
    readonly redefined: ReadonlySet<string>;
  },
): NodeProto {
  if (!inputs && !attributes && !node.output.some((name) => redefined.has(name))) return node;
  return withFields(node, {
    ...(attributes && { attribute: attributes }),
    input: node.input.map((name, index) => inputs?.get(index) ?? name),
    output: node.output.map((name) => (redefined.has(name) ? "" : name)),
  });
}

/** A tensor as it comes into a graph, its bytes computed when they are read. */
export function asInitializer({ name, original, bytes }: ReadTensor): NewTensor {
  return { name, dataType: original.dataType, dims: original.dims.map(Number), data: bytes };
}
