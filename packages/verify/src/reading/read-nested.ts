import {
  type FunctionProto,
  type GraphProto,
  type GraphScope,
  type Model,
  modelExtractor,
  type NewTensor,
  type NodeProto,
  prunableWeights,
  rewriteGraph,
  type TensorProto,
  walkGraphs,
  withFields,
} from "@espalier/onnx";
import type { RunnerOptions } from "@espalier/runtime";
import { decodeConstant } from "./decode-constant.js";
import { decodedTensor, missingTensors } from "./find-decoders.js";
import { constantTensor } from "./main-graph.js";
import type { ReadTensor, UnreadWeight } from "./reading.js";
import { asInitializer } from "./restore-graph.js";

/** The judged model with what its subgraphs and functions compute from constants stored in them again. */
export interface NestedReading {
  readonly model: Model;
  /** By the names of weights. */
  readonly tensors: ReadonlyMap<string, ReadTensor>;
  readonly unread: readonly UnreadWeight[];
  /** Names of values that are gone with decoders. */
  readonly dropped: ReadonlySet<string>;
  /** Of every subgraph and function, by its path, the values that are stored in it now. */
  readonly restored: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Reads constants of subgraphs and functions that the judged model computes under their names from other constants, there or in
 * the graphs around. (What stands in the place of operators in there is not looked at.)
 *
 * @throws {RunnerError} when the backend is missing or does not start
 */
export async function readNested(original: Model, judged: Model, options: RunnerOptions): Promise<NestedReading> {
  const bodies = new Map([...walkGraphs(judged.proto)].map((scope) => [pathOf(scope), scope]));
  const tensors = new Map<string, ReadTensor>();
  const unread: UnreadWeight[] = [];
  const found = new Found();
  let weights: ReadonlySet<TensorProto> | undefined;
  for (const before of walkGraphs(original.proto)) {
    const path = pathOf(before);
    const after = bodies.get(path);
    if (path === "main" || before.path[0] === "training" || after === undefined) continue;
    const missing = missingTensors(tensorsOf(before), tensorsOf(after));
    if (missing.size === 0) continue;
    weights ??= new Set(prunableWeights(original).flatMap(({ tensor, prunable }) => (prunable ? [tensor] : [])));
    const extract = modelExtractor(judged, after);
    for (const [name, tensor] of missing) {
      const decoded = await decodeConstant(extract, name, tensor, options);
      const read = decoded.ok ? decodedTensor(name, tensor, judged, decoded) : undefined;
      if (decoded.ok && read !== undefined) {
        found.add(after, read, decoded.part);
        tensors.set(`${path}/${name}`, read);
      } else if (weights.has(tensor)) {
        unread.push({
          name: `${path}/${name}`,
          reason: decoded.ok ? "it is decoded to another shape" : decoded.reason,
        });
      }
    }
  }
  const restored = new Map(
    [...found.tensors].map(([scope, all]) => [pathOf(scope), new Set(all.map(({ name }) => name))]),
  );
  const dense = tensors.size === 0 ? { model: judged, dropped: new Set<string>() } : restore(judged, found);
  return { ...dense, tensors, unread, restored };
}

/** What {@link NestedReading.restored} calls a graph or function. */
export function pathOf({ path }: GraphScope): string {
  return path.join("/");
}

function tensorsOf({ graph, nodes }: GraphScope): Map<string, TensorProto> {
  const inNodes = nodes.flatMap((node) => {
    const tensor = constantTensor(node);
    return tensor === undefined ? [] : [[node.output[0]!, tensor] as const];
  });
  return new Map([...(graph?.initializer ?? []).map((tensor) => [tensor.name, tensor] as const), ...inNodes]);
}

class Found {
  readonly tensors = new Map<GraphScope, ReadTensor[]>();
  readonly nodes = new Set<NodeProto>();
  readonly initializers = new Set<TensorProto>();

  add(
    scope: GraphScope,
    tensor: ReadTensor,
    part: { readonly nodes: readonly NodeProto[]; readonly tensors: readonly TensorProto[] },
  ): void {
    this.tensors.set(scope, [...(this.tensors.get(scope) ?? []), tensor]);
    for (const node of part.nodes) this.nodes.add(node);
    for (const one of part.tensors) this.initializers.add(one);
  }
}

function restore(judged: Model, { tensors, nodes, initializers }: Found) {
  const names = new Names(judged);
  const redefined = new Set([...tensors].flatMap(([scope, all]) => all.map(({ name }) => keyOf(rootOf(scope), name))));
  const { alive, read } = liveness(names, nodes, redefined);
  const replace = new Map<NodeProto, readonly NodeProto[]>();
  const dropped = new Set<string>();
  for (const node of nodes) {
    const isGone = (name: string): boolean => redefined.has(names.key(node, name));
    if (!alive.has(node)) {
      replace.set(node, []);
      for (const name of node.output) if (!isGone(name)) dropped.add(name);
    } else if (node.output.some(isGone)) {
      replace.set(node, [withFields(node, { output: node.output.map((name) => (isGone(name) ? "" : name)) })]);
    }
  }
  const remove = new Set(
    [...initializers].filter((tensor) => {
      const key = names.key(tensor, tensor.name);
      return redefined.has(key) || !read.has(key);
    }),
  );
  const inside = new Map<GraphProto | FunctionProto, { readonly initializers: readonly NewTensor[] }>(
    [...tensors].map(([{ graph, function: body }, all]) => [
      (graph ?? body)!,
      { initializers: all.map(asInitializer) },
    ]),
  );
  return { model: rewriteGraph(judged, { replace, remove, inside }), dropped };
}

/** Names of values, which are those of the main graph and all graphs in it, or of one function and the graphs in that. */
class Names {
  readonly scopes: readonly GraphScope[];
  readonly #roots = new Map<NodeProto | TensorProto, string>();

  constructor({ proto }: Model) {
    this.scopes = [...walkGraphs(proto)];
    for (const scope of this.scopes) {
      const sparse = scope.graph?.sparseInitializer.flatMap(({ values }) => values ?? []) ?? [];
      for (const one of [...scope.nodes, ...(scope.graph?.initializer ?? []), ...sparse]) {
        this.#roots.set(one, rootOf(scope));
      }
    }
  }

  /** A value as a node or an initializer calls it. */
  key(one: NodeProto | TensorProto, name: string): string {
    return keyOf(this.#roots.get(one) ?? "main", name);
  }
}

function rootOf({ path: [first, second] }: GraphScope): string {
  return first === "functions" ? `functions/${second}` : "main";
}

function keyOf(root: string, name: string): string {
  return JSON.stringify([root, name]);
}

/** Which of the nodes that compute constants something else reads, in whatever graph. */
function liveness(names: Names, suspects: ReadonlySet<NodeProto>, redefined: ReadonlySet<string>) {
  const read = new Set<string>();
  for (const scope of names.scopes) {
    const outputs = scope.function?.output ?? scope.graph?.output.map((one) => one.name) ?? [];
    for (const name of outputs) read.add(keyOf(rootOf(scope), name));
    for (const node of scope.nodes) {
      if (!suspects.has(node)) for (const name of node.input) read.add(names.key(node, name));
    }
  }
  const alive = new Set<NodeProto>();
  const isRead = (key: string): boolean => read.has(key) && !redefined.has(key);
  for (let before = -1; before < alive.size; ) {
    before = alive.size;
    for (const node of suspects) {
      if (alive.has(node) || !node.output.some((name) => isRead(names.key(node, name)))) continue;
      alive.add(node);
      for (const name of node.input) read.add(names.key(node, name));
    }
  }
  return { alive, read };
}
