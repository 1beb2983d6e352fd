import { appendToGraph, type Model, type NodeProto, type PrunableWeight, rewriteGraph } from "@espalier/onnx";
import { freePrefix } from "./free-prefix.js";
import { type Inlined, inlineFunctions } from "./functions/inline-functions.js";
import { GraphAdditions } from "./graph-additions.js";
import { maskInput } from "./mask-input.js";
import type { MeasuredOperator, Measuring, Site } from "./measuring.js";
import { operatorAt } from "./operators/registry.js";
import { opsetOf } from "./opset.js";
import { readersOf } from "./readers.js";
import type { GraphScope } from "./scopes/graph-scope.js";
import { type OpenedScopes, openScopes, type Place } from "./scopes/open-scopes.js";
import { inferShapes } from "./shapes/infer-shapes.js";
import { Sizes } from "./sizes.js";

/** A node that multiplies with a weight, wherever it stands. */
export interface WeightPlace {
  readonly site: Site;
  readonly operator: MeasuredOperator;
  /** The graph of the node: what is measured there has to leave it. */
  readonly scope: GraphScope;
  /** Number of the node of the main graph that it is, or is in. */
  readonly at: number;
}

/** A model to which measurements are added: in its main graph, in subgraphs, and in what functions become. */
export class MeasuredModel {
  readonly #model: Model;
  readonly #inlined: Inlined;
  /** Absent where there is no main graph, so that nothing is measured either. */
  readonly #scopes: OpenedScopes | undefined;

  /** @throws {StatisticsError} `bad-option` when the mask is no input `[batch, seq]` of the model */
  constructor(
    model: Model,
    weights: readonly PrunableWeight[],
    { mask, blocked = false }: { readonly mask?: string | undefined; readonly blocked?: boolean | undefined },
  ) {
    const prefix = freePrefix(model);
    const input = mask === undefined ? undefined : maskInput(model, mask);
    const inlined = inlineFunctions(model, weights, prefix);
    const measuring = (): Measuring => {
      const graph = new GraphAdditions(opsetOf(model), prefix);
      const shapes = inferShapes(inlined.model, input);
      return { graph, shapes, sizes: new Sizes(graph), mask, blocked, repeated: false };
    };
    this.#model = model;
    this.#inlined = inlined;
    const { graph } = inlined.model.proto;
    this.#scopes = graph && openScopes(graph, measuring);
  }

  /** What is added to the main graph. */
  get main(): GraphAdditions {
    return this.#scopes!.main.measuring().graph;
  }

  /**
   * Where a weight is multiplied.
   *
   * @throws {Unmeasurable}
   */
  placesOf(weight: PrunableWeight): readonly WeightPlace[] {
    const places = this.#scopes?.places ?? new Map<NodeProto, Place>();
    return this.#inlined.placesOf(weight).flatMap((one) =>
      readersOf(one, (node) => places.has(node)).map((reader) => ({
        ...places.get(reader.proto)!,
        site: { weight: one, node: reader.proto, input: reader.input },
        operator: operatorAt(reader),
      })),
    );
  }

  /** The model with everything that the outputs of `main` need. Its file stays as it is where only the main graph has more. */
  written(): Model {
    const addition = this.main.addition();
    const replace = this.#replaced(this.#scopes!.main.replaced(addition.needed));
    const rewritten = replace.size === 0 ? this.#model : rewriteGraph(this.#model, { replace });
    return appendToGraph(rewritten, addition);
  }

  /** Functions put in the place of calls, and among these nodes those whose subgraphs put out more. */
  #replaced(holders: ReadonlyMap<NodeProto, readonly NodeProto[]>): ReadonlyMap<NodeProto, readonly NodeProto[]> {
    const replaced = new Map<NodeProto, readonly NodeProto[]>();
    for (const node of this.#model.proto.graph?.node ?? []) {
      const inlined = this.#inlined.replaced.get(node);
      const nodes = (inlined ?? [node]).flatMap((one) => holders.get(one) ?? [one]);
      if (inlined !== undefined || holders.has(node)) replaced.set(node, nodes);
    }
    return replaced;
  }
}
