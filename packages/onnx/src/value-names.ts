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

/** Every value that nodes of the main graph and of the graphs below it read, or that a graph hands out. */
export function readNames(model: ModelProto): Set<string> {
  const names = new Set<string>();
  for (const { path, graph, nodes } of walkGraphs(model)) {
    if (path[0] !== "main") continue;
    for (const { input } of nodes) for (const name of input) names.add(name);
    for (const { name } of graph?.output ?? []) names.add(name);
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
