import { type Body, isFunction, placesAround, subgraphsOf } from "./bodies.js";
import type { FunctionProto, GraphProto, ModelProto, NodeProto } from "./proto.js";
import type { BodyChange, ResolvedRewrite } from "./rewrite-graph.js";
import { withFields } from "./with-fields.js";

/** The structure of a rewritten model, with the objects of the given model and of the rewrite. */
export interface RewrittenProto {
  readonly proto: ModelProto;
  /** What has become of the bodies in which something changes, or below which. */
  readonly bodies: ReadonlyMap<Body, Body>;
}

/** Carries out a rewrite on the structure of a model. */
export function rewrittenProto(proto: ModelProto, rewrite: ResolvedRewrite): RewrittenProto {
  const bodies = new Map<Body, Body>();
  const builder = new Builder(rewrite, bodies);
  const functions = proto.functions.map((body) => builder.body(body));
  return { proto: withFields(proto, { graph: builder.body(proto.graph!), functions }), bodies };
}

class Builder {
  readonly #rewrite: ResolvedRewrite;
  readonly #bodies: Map<Body, Body>;
  readonly #changes: ReadonlyMap<Body, BodyChange>;
  /** The bodies that change, and those around them. */
  readonly #touched: ReadonlySet<Body>;

  constructor(rewrite: ResolvedRewrite, bodies: Map<Body, Body>) {
    this.#rewrite = rewrite;
    this.#bodies = bodies;
    this.#changes = new Map(rewrite.changes.map((change) => [change.place.body, change]));
    const places = rewrite.changes.flatMap(({ place }) => [place, ...placesAround(place)]);
    this.#touched = new Set(places.map(({ body }) => body));
  }

  body<One extends GraphProto | FunctionProto>(body: One): One {
    if (!this.#touched.has(body)) return body;
    const node = this.#nodes(body);
    const after = (isFunction(body) ? withFields<FunctionProto>(body, { node }) : this.#graph(body, node)) as One;
    this.#bodies.set(body, after);
    return after;
  }

  #nodes(body: Body): NodeProto[] {
    const { replace } = this.#rewrite;
    const nodes = body.node.flatMap((node) => replace.get(node) ?? [this.#node(node)]);
    return [...(this.#changes.get(body)?.prepend ?? []), ...nodes];
  }

  #node(node: NodeProto): NodeProto {
    if (!subgraphsOf(node).some((graph) => this.#touched.has(graph))) return node;
    const attribute = node.attribute.map((one) => {
      const graphs = one.graphs.map((graph) => this.body(graph));
      return withFields(one, { graphs, ...(one.g && { g: this.body(one.g) }) });
    });
    return withFields(node, { attribute });
  }

  #graph(graph: GraphProto, node: NodeProto[]): GraphProto {
    const { remove, removeInputs } = this.#rewrite;
    const { dense = [], sparse = [], valueInfos = [] } = this.#changes.get(graph) ?? {};
    const kept = graph.sparseInitializer.filter(({ values }) => values === undefined || !remove.has(values));
    return withFields(graph, {
      node,
      initializer: [...graph.initializer.filter((tensor) => !remove.has(tensor)), ...dense],
      sparseInitializer: [...kept, ...sparse],
      input: graph.input.filter((input) => !removeInputs.has(input)),
      valueInfo: [...graph.valueInfo, ...valueInfos],
    });
  }
}
