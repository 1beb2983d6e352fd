import { type Body, isFunction, subgraphsOf } from "./bodies.js";
import { OnnxError } from "./errors.js";
import type { ModelProto, NodeProto, TensorProto } from "./proto.js";
import { walkGraphs } from "./tensors.js";

/** Every value that the main graph and the graphs below it define: names of values are unique in all of them. */
export function definedNames(model: ModelProto): Set<string> {
  const names = new Set<string>();
  for (const { path, graph, nodes } of walkGraphs(model)) {
    if (path[0] !== "main") continue;
    for (const { name } of [...(graph?.input ?? []), ...(graph?.initializer ?? [])]) names.add(name);
    for (const { values } of graph?.sparseInitializer ?? []) names.add(values?.name ?? "");
    for (const { output } of nodes) for (const name of output) names.add(name);
  }
  return names;
}

/**
 * The values that a body itself defines.
 *
 * @param counts whether a node, initializer (a sparse one by its values) or input of a graph counts; @default all do
 */
export function namesIn(body: Body, counts: (one: unknown) => boolean = () => true): Set<string> {
  const names = new Set(body.node.filter(counts).flatMap(({ output }) => output));
  if (isFunction(body)) {
    for (const name of body.input) names.add(name);
  } else {
    const values = body.sparseInitializer.map((tensor) => tensor.values);
    for (const one of [...body.input, ...body.initializer, ...values]) if (one && counts(one)) names.add(one.name);
  }
  names.delete("");
  return names;
}

/** Every value that nodes of a body and of the graphs below it read, or that one of these hands out. */
export function readNames(body: Body): Set<string> {
  const names = new Set<string>(isFunction(body) ? body.output : body.output.map(({ name }) => name));
  for (const node of body.node) {
    for (const name of node.input) names.add(name);
    for (const graph of subgraphsOf(node)) for (const name of readNames(graph)) names.add(name);
  }
  return names;
}

/**
 * Adds the names that new nodes (those in their subgraphs not counted) and initializers define.
 *
 * @param taken names that are there; receives the new ones
 * @throws {OnnxError} `malformed` when a name is taken
 */
export function claimNames(
  taken: Set<string>,
  nodes: readonly NodeProto[],
  initializers: readonly Pick<TensorProto, "name">[],
): void {
  const defined = [...initializers.map(({ name }) => name), ...nodes.flatMap(({ output }) => output)];
  for (const name of defined.filter((one) => one !== "")) {
    if (taken.has(name)) throw nameTaken("value", name);
    taken.add(name);
  }
}

/** The error of a second value or output of one name. */
export function nameTaken(what: "value" | "output", name: string): OnnxError {
  const message = `the graph already has the ${what} ${JSON.stringify(name)}: what is added needs names of its own`;
  return new OnnxError("malformed", message);
}
