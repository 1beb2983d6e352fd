import type { FunctionProto, NodeProto, SparseTensorProto, TensorProto } from "../proto.js";

/** Where the values of a scope come from. */
export type Definition =
  | { readonly kind: "initializer"; readonly tensor: TensorProto }
  | { readonly kind: "sparse" }
  | { readonly kind: "node"; readonly node: NodeProto }
  | { readonly kind: "input"; readonly position: number };

/** Who reads a value: a node, or the end of the graph that hands it out. */
export type Reader =
  | { readonly kind: "node"; readonly scope: Scope; readonly node: NodeProto; readonly input: number }
  | { readonly kind: "output"; readonly scope: Scope; readonly position: number };

/** A graph or a function body: the names that are defined in it, and who reads them. */
export interface Scope {
  /** `main`, `main/if_node/then_branch`, `functions/DOMAIN:NAME`; unique. */
  readonly path: string;
  readonly kind: "main" | "subgraph" | "function" | "training";
  /** The scope whose values can be read from here, and the node of it whose attribute this subgraph is. */
  readonly parent: Scope | undefined;
  readonly owner: NodeProto | undefined;
  readonly function: FunctionProto | undefined;
  readonly nodes: readonly NodeProto[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly initializers: readonly TensorProto[];
  readonly sparseInitializers: readonly SparseTensorProto[];
  readonly definitions: Map<string, Definition>;
  /** Names with two definitions, which only an invalid model has. */
  readonly ambiguous: Set<string>;
  /** Readers of the values defined here, those in subgraphs included, by name. */
  readonly readers: Map<string, Reader[]>;
}

/** The scope that defines a name as seen from another scope: itself or the nearest one around it. */
export function definingScope(from: Scope, name: string): Scope | undefined {
  let scope: Scope | undefined = from;
  while (scope !== undefined && !scope.definitions.has(name)) scope = scope.parent;
  return scope;
}

/** The outermost scope around this one: the main graph, a function body, a training graph. */
export function rootScope(scope: Scope): Scope {
  let root = scope;
  while (root.parent !== undefined) root = root.parent;
  return root;
}
