import type { GraphProto, ModelProto, NodeProto } from "../proto.js";
import { type GraphScope, walkGraphs } from "../tensors.js";
import { functionKey, shorten } from "./node-names.js";
import { type Definition, definingScope, type Reader, type Scope } from "./scope.js";

/** A node that calls a function. */
export interface CallSite {
  readonly scope: Scope;
  readonly node: NodeProto;
}

/** All scopes of a model, outer before inner, and its functions with the nodes that call them. */
export interface ScopeIndex {
  readonly scopes: readonly Scope[];
  readonly functions: ReadonlyMap<string, Scope>;
  readonly calls: ReadonlyMap<Scope, readonly CallSite[]>;
}

/** Finds out who defines and who reads every value of a model: time linear in its nodes, times their nesting. */
export function indexScopes(model: ModelProto): ScopeIndex {
  const scopes = listScopes(model);
  for (const scope of scopes) define(scope);
  for (const scope of scopes) addReaders(scope);
  const functions = new Map<string, Scope>();
  for (const scope of scopes) {
    if (scope.function === undefined) continue;
    const key = functionKey(scope.function.domain, scope.function.name, scope.function.overload);
    if (!functions.has(key)) functions.set(key, scope);
  }
  return { scopes, functions, calls: findCalls(scopes, functions) };
}

function listScopes(model: ModelProto): Scope[] {
  const scopes = new Map<GraphScope, Scope>();
  const owners = new Map<GraphProto, NodeProto>();
  for (const at of walkGraphs(model)) {
    const parent = at.parent && scopes.get(at.parent);
    const owner = at.graph && owners.get(at.graph);
    scopes.set(at, newScope(at, parent, owner));
    for (const node of at.nodes) {
      for (const { g, graphs } of node.attribute)
        for (const graph of g ? [g, ...graphs] : graphs) owners.set(graph, node);
    }
  }
  return [...scopes.values()];
}

function newScope(at: GraphScope, parent: Scope | undefined, owner: NodeProto | undefined): Scope {
  const names = (values: readonly { name: string }[] = []) => values.map(({ name }) => name);
  return {
    path: shorten(at.path.join("/"), 1000),
    kind: kindOf(at),
    parent,
    owner,
    function: at.function,
    nodes: at.nodes,
    inputs: at.function?.input ?? names(at.graph?.input),
    outputs: at.function?.output ?? names(at.graph?.output),
    initializers: at.graph?.initializer ?? [],
    sparseInitializers: at.graph?.sparseInitializer ?? [],
    definitions: new Map(),
    ambiguous: new Set(),
    readers: new Map(),
  };
}

function kindOf({ path, parent, function: body }: GraphScope): Scope["kind"] {
  if (path[0] === "training") return "training";
  if (parent !== undefined) return "subgraph";
  return body === undefined ? "main" : "function";
}

function define(scope: Scope): void {
  for (const [position, name] of scope.inputs.entries()) add(scope, name, { kind: "input", position });
  for (const tensor of scope.initializers) add(scope, tensor.name, { kind: "initializer", tensor });
  for (const { values } of scope.sparseInitializers) add(scope, values?.name ?? "", { kind: "sparse" });
  for (const node of scope.nodes) {
    for (const name of node.output) add(scope, name, { kind: "node", node });
  }
}

/** In the main graph an initializer gives an input its default; in a subgraph the caller's value always wins. */
function add(scope: Scope, name: string, definition: Definition): void {
  if (name === "") return;
  const before = scope.definitions.get(name);
  const isDefault = before?.kind === "input" && scope.kind === "main" && definition.kind === "initializer";
  if (before === undefined || isDefault) scope.definitions.set(name, definition);
  else scope.ambiguous.add(name);
}

function addReaders(scope: Scope): void {
  for (const node of scope.nodes) {
    for (const [input, name] of node.input.entries()) addReader(scope, name, { kind: "node", scope, node, input });
  }
  for (const [position, name] of scope.outputs.entries()) addReader(scope, name, { kind: "output", scope, position });
}

function addReader(from: Scope, name: string, reader: Reader): void {
  const scope = name === "" ? undefined : definingScope(from, name);
  const readers = scope?.readers.get(name);
  if (readers) readers.push(reader);
  else scope?.readers.set(name, [reader]);
}

function findCalls(scopes: readonly Scope[], functions: ReadonlyMap<string, Scope>): ScopeIndex["calls"] {
  const calls = new Map<Scope, CallSite[]>([...functions.values()].map((callee) => [callee, []]));
  if (functions.size === 0) return calls;
  for (const scope of scopes) {
    for (const node of scope.nodes) {
      const callee = functions.get(functionKey(node.domain, node.opType, node.overload));
      if (callee) calls.get(callee)?.push({ scope, node });
    }
  }
  return calls;
}
