import { type Body, type BodyPlace, bodyPlaces, isFunction, placesAround } from "./bodies.js";
import { carriedEdits } from "./carried-edits.js";
import { constantNodes } from "./constant-nodes.js";
import { decodeSource } from "./decode-model.js";
import { OnnxError } from "./errors.js";
import type { Model, TensorData } from "./model.js";
import { asMessages, type Initializers, type NewTensor } from "./new-tensor.js";
import type { NodeProto, TensorProto, ValueInfoProto } from "./proto.js";
import { checkNames } from "./rewrite-names.js";
import { rewriteSplices } from "./rewrite-splices.js";
import { rewrittenProto } from "./rewritten-proto.js";
import { splicedSource } from "./spliced-source.js";

/** What is added to a graph or to the body of a function. */
export interface BodyAddition {
  /** Come before all other nodes. @default none */
  readonly prepend?: readonly NodeProto[];
  /**
   * Come behind the others; tensors of the model bring their data along. A function has no initializers: there they become
   * `Constant` nodes in front of all others.
   *
   * @default none
   */
  readonly initializers?: readonly (TensorProto | NewTensor)[];
  /** Declarations of values that nodes compute; come behind the others. Only of graphs. @default none */
  readonly valueInfos?: readonly ValueInfoProto[];
}

/**
 * What {@link rewriteGraph} changes. Nodes, tensors, inputs, graphs and functions of the model are named by their objects, which
 * may stand in its main graph, in functions, and in subgraphs of both; not in training graphs.
 */
export interface GraphRewrite extends BodyAddition {
  /** A node → what stands in its place; `[]` removes it. The node itself may be among them. @default none */
  readonly replace?: ReadonlyMap<NodeProto, readonly NodeProto[]>;
  /** Initializers that go; sparse ones by their values. @default none */
  readonly remove?: ReadonlySet<TensorProto>;
  /** What is added elsewhere than in the main graph; in that one, it comes behind what stands above. @default nothing */
  readonly inside?: ReadonlyMap<Body, BodyAddition>;
  /** Inputs of the main graph that go, such as those that only declare an initializer, as before IR version 4. @default none */
  readonly removeInputs?: ReadonlySet<ValueInfoProto>;
  /** New version of ONNX's own operators, not below the present one. Functions import their own. @default as it is */
  readonly opset?: number;
  /** New IR version, not below the present one. @default as it is */
  readonly irVersion?: number;
}

/** What changes in one body; what goes from it stands in the rewrite. */
export interface BodyChange extends Omit<Initializers, "computed"> {
  readonly place: BodyPlace;
  readonly prepend: readonly NodeProto[];
  readonly valueInfos: readonly ValueInfoProto[];
}

/** A rewrite as it is carried out. */
export interface ResolvedRewrite extends Required<Pick<GraphRewrite, "replace" | "remove" | "removeInputs">> {
  readonly opset: number | undefined;
  readonly irVersion: number | undefined;
  /** Every body of the model, outer before inner. */
  readonly places: readonly BodyPlace[];
  /** Those in which something changes, in that order. */
  readonly changes: readonly BodyChange[];
  /** Data of new tensors. */
  readonly computed: ReadonlyMap<TensorProto, TensorData>;
}

/**
 * A model with other graphs: nodes replaced or put in front, initializers and inputs removed, others added.
 *
 * All that is not named comes out as it was, byte for byte and in its order: nodes, unknown fields, metadata, functions,
 * external data, edits. Memory is what the new nodes take: tensors stay in the file they are in, and data of a
 * {@link NewTensor} is computed when the result is read or written. New nodes may hold tensors of the model in their
 * attributes. The structure of the result has objects of its own: nodes and tensors of the given model are not in it.
 *
 * External data of removed tensors stays in its file as long as other tensors are there, unless the result is written
 * with `externalData: { location }` or `"embed"`.
 *
 * @throws {OnnxError} `malformed` when the model has no main graph or no such node, tensor, input or graph, when something
 *   is changed inside a node that is replaced, when a new value has the name of one that is seen from where it stands, when a
 *   value is still read that is gone, or a version would sink; `shape-mismatch` when a new tensor has no data; `too-large`
 */
export function rewriteGraph(model: Model, rewrite: GraphRewrite): Model {
  if (model.proto.graph === undefined) {
    throw new OnnxError("malformed", "the model has no main graph that could be rewritten");
  }
  const resolved = resolve(model, rewrite);
  const { proto: intended, bodies } = rewrittenProto(model.proto, resolved);
  checkNames(resolved, bodies);
  const { source, external, metadataEdits } = model.storage;
  const encoded = decodeSource(splicedSource(source, rewriteSplices(model, resolved)), external);
  const edits = carriedEdits(intended, encoded, { model, computed: resolved.computed });
  return { proto: encoded.proto, storage: { ...encoded.storage, edits, metadataEdits } };
}

function resolve({ proto }: Model, rewrite: GraphRewrite): ResolvedRewrite {
  const { replace = new Map(), remove = new Set(), removeInputs = new Set(), opset, irVersion } = rewrite;
  const { inside = new Map<Body, BodyAddition>() } = rewrite;
  const places = [...bodyPlaces(proto)];
  checkMembers(places, { replace, remove, removeInputs, inside });
  const computed = new Map<TensorProto, TensorData>();
  const changes = places.flatMap((place): BodyChange[] => {
    const additions = [...(place.body === proto.graph ? [rewrite] : []), inside.get(place.body) ?? {}];
    const prepend = additions.flatMap((addition) => addition.prepend ?? []);
    const initializers = additions.flatMap((addition) => addition.initializers ?? []);
    const valueInfos = additions.flatMap((addition) => addition.valueInfos ?? []);
    const messages = asMessages(initializers);
    for (const [tensor, data] of messages.computed) computed.set(tensor, data);
    const { dense, sparse } = messages;
    const added = prepend.length + initializers.length + valueInfos.length;
    if (added === 0 && !losesSomething(place, { replace, remove, removeInputs })) return [];
    if (!isFunction(place.body)) return [{ place, prepend, dense, sparse, valueInfos }];
    checkUndeclared(place.body, valueInfos);
    return [{ place, prepend: [...constantNodes(messages), ...prepend], dense: [], sparse: [], valueInfos }];
  });
  checkApart(changes, replace);
  return { replace, remove, removeInputs, opset, irVersion, places, changes, computed };
}

/** Functions hold for inputs of any shape, and ONNX Runtime does not read what they declare. */
function checkUndeclared({ name }: Body, valueInfos: readonly ValueInfoProto[]): void {
  if (valueInfos.length === 0) return;
  const message = `the function ${JSON.stringify(name)} declares no values: ${JSON.stringify(valueInfos[0]!.name)} cannot be added`;
  throw new OnnxError("malformed", message);
}

type Losses = Pick<ResolvedRewrite, "replace" | "remove" | "removeInputs">;

function losesSomething({ body }: BodyPlace, { replace, remove, removeInputs }: Losses): boolean {
  if (body.node.some((node) => replace.has(node))) return true;
  if (isFunction(body)) return false;
  const values = body.sparseInitializer.map((tensor) => tensor.values);
  const hasTensor = [...body.initializer, ...values].some((tensor) => tensor !== undefined && remove.has(tensor));
  return hasTensor || body.input.some((input) => removeInputs.has(input));
}

function checkMembers(
  places: readonly BodyPlace[],
  { replace, remove, removeInputs, inside }: Losses & { readonly inside: ReadonlyMap<Body, BodyAddition> },
): void {
  const members = new Set<unknown>();
  for (const { body, owner } of places) {
    for (const one of [body, ...body.node]) members.add(one);
    if (isFunction(body)) continue;
    for (const one of body.initializer) members.add(one);
    for (const { values } of body.sparseInitializer) members.add(values);
    if (owner === undefined) for (const one of body.input) members.add(one);
  }
  for (const one of [...replace.keys(), ...remove, ...removeInputs, ...inside.keys()]) {
    if (members.has(one)) continue;
    const message = `${JSON.stringify(one.name)} is not in the model's graphs and functions: use its own objects`;
    throw new OnnxError("malformed", message);
  }
}

/** A node that is replaced is encoded anew, as it was given: changes inside it would be lost. */
function checkApart(changes: readonly BodyChange[], replace: ResolvedRewrite["replace"]): void {
  for (const { place } of changes) {
    for (const { owner } of [place, ...placesAround(place)]) {
      const node = owner?.place.body.node[owner.node];
      if (node === undefined || !replace.has(node)) continue;
      const message = `the node ${JSON.stringify(node.name)} is replaced: nothing inside it can be changed besides`;
      throw new OnnxError("malformed", message);
    }
  }
}
