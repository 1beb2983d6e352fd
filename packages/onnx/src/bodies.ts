import type { FunctionProto, GraphProto, ModelProto, NodeProto } from "./proto.js";

/** A list of nodes that a model computes: its main graph, the body of a function, or a subgraph in one of them. */
export type Body = GraphProto | FunctionProto;

/** A body and where it is. */
export interface BodyPlace {
  readonly body: Body;
  /** The node that a subgraph belongs to; absent for the main graph and for functions. */
  readonly owner?: {
    readonly place: BodyPlace;
    /** Indices of the node in its body, of the attribute in the node, and of the subgraph where it is one of a list. */
    readonly node: number;
    readonly attribute: number;
    readonly graph?: number | undefined;
  };
  /** Index of a function in the model; absent for graphs. */
  readonly function?: number;
}

/** Every body of a model but those of training graphs, outer ones before those nested in them. */
export function* bodyPlaces(model: ModelProto): Generator<BodyPlace> {
  if (model.graph !== undefined) yield* placeAndBelow({ body: model.graph });
  for (const [index, body] of model.functions.entries()) yield* placeAndBelow({ body, function: index });
}

/** The bodies around one, the nearest first. */
export function* placesAround({ owner }: BodyPlace): Generator<BodyPlace> {
  for (let at = owner?.place; at !== undefined; at = at.owner?.place) yield at;
}

/** Whether a body is that of a function, which has no initializers. */
export function isFunction(body: Body): body is FunctionProto {
  return body.$typeName === "onnx.FunctionProto";
}

/** The subgraphs of a node. */
export function subgraphsOf({ attribute }: NodeProto): readonly GraphProto[] {
  return attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));
}

function* placeAndBelow(place: BodyPlace): Generator<BodyPlace> {
  yield place;
  for (const [node, { attribute: attributes }] of place.body.node.entries()) {
    for (const [attribute, { g, graphs }] of attributes.entries()) {
      const owner = { place, node, attribute };
      if (g !== undefined) yield* placeAndBelow({ body: g, owner });
      for (const [graph, body] of graphs.entries()) yield* placeAndBelow({ body, owner: { ...owner, graph } });
    }
  }
}
