import { type Model, type NodeProto, rewriteGraph, walkGraphs, withFields } from "@espalier/onnx";
import type { MainGraph } from "./main-graph.js";
import { namesBelow } from "./restore-graph.js";

/**
 * The judged model with values called as in the original where the same node puts them out: the node of the same name and
 * operator; or, where both models compute with the same operators one after the other, the one at the same place. Names inside a graph
 * say nothing about what it computes. Inputs and outputs of the model keep theirs, and so does what subgraphs read; a name that
 * a subgraph has for a value of its own is not given to another.
 *
 * @returns the judged model itself where no value has another name
 */
export function restoreNames(original: MainGraph, judged: MainGraph): Model {
  const names = new Map<string, string>();
  const below = new Set(namesBelow(judged.model));
  const taken = new Set(definedBelow(judged.model));
  for (const [before, after] of matchedNodes(original, judged)) {
    for (const [index, name] of after.output.entries()) {
      const wanted = before.output[index];
      if (!wanted || !name || wanted === name || judged.outputs.has(name) || below.has(name)) continue;
      if (!judged.defines(wanted) && !taken.has(wanted)) names.set(name, wanted);
    }
  }
  if (names.size === 0) return judged.model;
  const renamed = (all: readonly string[]): string[] => all.map((name) => names.get(name) ?? name);
  const replace = new Map<NodeProto, readonly NodeProto[]>();
  for (const node of judged.nodes) {
    if (![...node.input, ...node.output].some((name) => names.has(name))) continue;
    replace.set(node, [withFields(node, { input: renamed(node.input), output: renamed(node.output) })]);
  }
  return rewriteGraph(judged.model, { replace });
}

/** Names of the values that subgraphs of the main graph define. */
function* definedBelow({ proto }: Model): Generator<string> {
  for (const { path, graph, nodes } of walkGraphs(proto)) {
    if (path[0] !== "main" || path.length === 1) continue;
    for (const { name } of [...(graph?.input ?? []), ...(graph?.initializer ?? [])]) yield name;
    for (const { values } of graph?.sparseInitializer ?? []) yield values?.name ?? "";
    for (const { output } of nodes) yield* output;
  }
}

function matchedNodes(original: MainGraph, judged: MainGraph): readonly (readonly [NodeProto, NodeProto])[] {
  const [before, after] = [fedNodes(original), fedNodes(judged)];
  const isSame = (a: NodeProto, b: NodeProto | undefined): boolean => a.opType === b?.opType && a.domain === b.domain;
  if (before.length === after.length && before.every((node, index) => isSame(node, after[index]))) {
    return before.map((node, index) => [node, after[index]!] as const);
  }
  const named = uniqueNames(before);
  return [...uniqueNames(after)].flatMap(([name, node]) => {
    const counterpart = named.get(name);
    return counterpart !== undefined && isSame(counterpart, node) ? [[counterpart, node] as const] : [];
  });
}

/** Nodes that depend on an input of the model: others decode constants. */
function fedNodes({ nodes, inputs, tensors }: MainGraph): NodeProto[] {
  const fed = new Set([...inputs].filter((name) => !tensors.has(name)));
  return nodes.filter((node) => {
    const isFed = node.input.some((name) => fed.has(name));
    if (isFed) for (const name of node.output) fed.add(name);
    return isFed;
  });
}

function uniqueNames(nodes: readonly NodeProto[]): Map<string, NodeProto> {
  const counts = new Map<string, number>();
  for (const { name } of nodes) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map(nodes.filter(({ name }) => name !== "" && counts.get(name) === 1).map((node) => [node.name, node]));
}
