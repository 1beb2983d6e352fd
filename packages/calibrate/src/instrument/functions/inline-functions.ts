import { type Model, type NodeProto, type PrunableWeight, prunableWeights, type Weight } from "@espalier/onnx";
import { changed } from "../changed.js";
import { Unmeasurable } from "../unmeasurable.js";
import { bodyOfCall } from "./body-of-call.js";
import { calledBy, type Functions, inlinableFunctions } from "./inlinable-functions.js";

/** Nodes that may come from functions: calls in calls can make a small file mean billions. */
const MOST_NODES = 100_000;

/** A model with functions in the place of their calls. */
export interface Inlined {
  /** A structure to look at, of tensors of the given model: it cannot be written. */
  readonly model: Model;
  /** For nodes of the main graph, where that is not the node itself. */
  readonly replaced: ReadonlyMap<NodeProto, readonly NodeProto[]>;
  /**
   * What has become of a weight: several in a function that is called several times.
   *
   * @throws {Unmeasurable} when it is no weight of that form any more
   */
  placesOf(weight: PrunableWeight): readonly PrunableWeight[];
}

/**
 * Puts functions in the place of their calls, where a weight is read in one: inputs there are those of many calls, and none
 * of them leaves it. ONNX Runtime does the same before it runs a model.
 *
 * @param prefix what no name in the model starts with
 */
export function inlineFunctions(model: Model, weights: readonly PrunableWeight[], prefix: string): Inlined {
  const { graph } = model.proto;
  const isInFunction = ({ consumers }: PrunableWeight) => consumers.some(({ scope }) => scope.startsWith("functions/"));
  const functions = graph && weights.some(isInFunction) ? inlinableFunctions(model) : new Map<never, never>();
  const replaced = graph && replacements(graph.node, functions, prefix);
  if (graph === undefined || replaced === undefined || replaced.size === 0) {
    return { model, replaced: new Map(), placesOf: (weight) => [weight] };
  }
  const gone = new Set(functions.values());
  const proto = changed(model.proto, {
    graph: changed(graph, { node: graph.node.flatMap((node) => replaced.get(node) ?? [node]) }),
    functions: model.proto.functions.filter((body) => !gone.has(body)),
  });
  const inlined = { proto, storage: model.storage };
  const found = prunableWeights(inlined);
  const placesOf = (weight: PrunableWeight) =>
    found.filter(({ tensor }) => tensor === weight.tensor).map((one) => asBefore(one, weight));
  return { model: inlined, replaced, placesOf };
}

/** Undefined where it would be too much. */
function replacements(
  nodes: readonly NodeProto[],
  functions: Functions,
  prefix: string,
): ReadonlyMap<NodeProto, readonly NodeProto[]> | undefined {
  const inliner = new Inliner(functions, prefix);
  const replaced = new Map<NodeProto, readonly NodeProto[]>();
  for (const node of nodes) {
    const [first, ...more] = inliner.inPlaceOf(node);
    if (first !== node) replaced.set(node, first ? [first, ...more] : []);
    if (inliner.made > MOST_NODES) return undefined;
  }
  return replaced;
}

class Inliner {
  /** Nodes that came from functions. */
  made = 0;
  readonly #functions: Functions;
  readonly #prefix: string;
  #calls = 0;

  constructor(functions: Functions, prefix: string) {
    this.#functions = functions;
    this.#prefix = prefix;
  }

  /** What stands in the place of a node; the node itself where neither it nor what is inside it calls a function. */
  inPlaceOf(node: NodeProto): readonly NodeProto[] {
    const callee = calledBy(node, this.#functions);
    if (callee !== undefined) {
      const nodes = bodyOfCall(node, callee, `${this.#prefix}/call_${this.#calls++}`);
      this.made += nodes.length;
      return this.made > MOST_NODES ? nodes : nodes.flatMap((one) => this.inPlaceOf(one));
    }
    const attribute = node.attribute.map((one) => {
      if (one.g === undefined) return one;
      const nodes = one.g.node.flatMap((inner) => this.inPlaceOf(inner));
      const isSame = nodes.length === one.g.node.length && nodes.every((inner, index) => inner === one.g!.node[index]);
      return isSame ? one : changed(one, { g: changed(one.g, { node: nodes }) });
    });
    return [attribute.every((one, index) => one === node.attribute[index]) ? node : changed(node, { attribute })];
  }
}

function asBefore(weight: Weight, before: PrunableWeight): PrunableWeight {
  if (!weight.prunable) throw new Unmeasurable(weight.reason);
  if (weight.groups !== before.groups || weight.inFeatures !== before.inFeatures) {
    throw new Unmeasurable("calls of the function that it is read in do not agree about its inputs");
  }
  return weight;
}
