import {
  type BodyAddition,
  type GraphRewrite,
  type Model,
  type NodeProto,
  type PrunableWeight,
  prunableWeights,
  rewriteGraph,
  type TensorProto,
  walkGraphs,
} from "@espalier/onnx";
import { SharedParts } from "./encodings/decoder-writer.js";
import type { Decoder, Refusal } from "./encodings/encoding.js";
import { opsetOf } from "./encodings/opset-changes.js";
import { raisedNodes } from "./encodings/raise-nodes.js";
import { type WeightChoice, type WeightPlan, weightEncoder } from "./encodings/weight-encoder.js";
import { type Body, declaresInitializers, type WeightPlace, weightPlaces } from "./encodings/weight-place.js";
import { ExportError } from "./export-error.js";

/** What storing a weight in some way would take. */
export interface EncodedSize {
  /** What was chosen within the encoding, such as `gap4` or `2:4`. */
  readonly form: string;
  /** Bytes of tensor data in place of the weight's own; tables that all weights share take some 20 kB more. */
  readonly bytes: number;
  /** Whether the decoded weight has the bits of the weight. */
  readonly exact: boolean;
}

/**
 * Tells what a weight would take, without changing anything. Reads it.
 *
 * @param weight of this model
 * @returns the size, or why it has to stay dense
 * @throws {OnnxError} when the weight cannot be read
 */
export function encodedSize(model: Model, weight: PrunableWeight, choice: WeightChoice): EncodedSize | Refusal {
  const planned = planWeight(model, weight, choice);
  if ("refused" in planned) return planned;
  const { form, bytes, exact } = planned.plan;
  return { form, bytes, exact };
}

/**
 * A model in which weights are stored as their non-zeros with a compact index, and expanded by standard ONNX nodes that
 * ONNX Runtime computes once when it loads the model. Every weight keeps its name, shape and type as a value of the graph, so
 * that nothing else changes. Weights are read here once or twice each and again when the result is written, one at a time.
 *
 * The opset is raised to 11 where it is lower and every node means the same there; the IR version where `coo` needs 6, and
 * in models before IR version 4, whose inputs that only declare initializers go.
 *
 * @param choices by weight name
 * @throws {ExportError} `unknown-weight`; `cannot-encode` with the reason, see {@link encodedSize}
 * @throws {OnnxError} when a weight cannot be read
 */
export function encodeWeights(model: Model, choices: ReadonlyMap<string, WeightChoice>): Model {
  if (choices.size === 0) return model;
  const root = freeRoot(model);
  const planned = plannedWeights(model, choices);
  const { replace, ...decoders } = placed(planned, root);
  const raised = versions(model, planned);
  const newer = raised.opset === undefined ? undefined : raisedNodes(model, opsetOf(model.proto), root);
  return rewriteGraph(model, {
    ...decoders,
    ...raised,
    replace: new Map([...replace, ...(newer?.replace ?? [])]),
    initializers: newer?.initializers ?? [],
  });
}

interface PlannedWeight {
  readonly name: string;
  readonly place: WeightPlace;
  readonly plan: WeightPlan;
}

function plannedWeights(model: Model, choices: ReadonlyMap<string, WeightChoice>): readonly PlannedWeight[] {
  const byName = new Map(prunableWeights(model).map((weight) => [weight.name, weight]));
  return [...choices].map(([name, choice]) => {
    const weight = byName.get(name);
    if (weight?.prunable !== true) {
      throw new ExportError("unknown-weight", `"${name}" is no prunable weight of the model`, { weight: name });
    }
    const planned = planWeight(model, weight, choice);
    if (!("refused" in planned)) return { name, ...planned };
    const message = `"${name}" cannot be stored as ${choice.encoding}: ${planned.refused}`;
    throw new ExportError("cannot-encode", message, { weight: name });
  });
}

function planWeight(model: Model, weight: PrunableWeight, choice: WeightChoice): Omit<PlannedWeight, "name"> | Refusal {
  const place = placesOf(model)(weight);
  if ("refused" in place) return place;
  const plan = weightEncoder({ model, weight, place }, choice);
  return "refused" in plan ? plan : { place, plan };
}

type Places = ReturnType<typeof weightPlaces>;

/** Finding them takes a walk through the model, which many weights are then asked of. */
const found = new WeakMap<Model, Places>();

function placesOf(model: Model): Places {
  const places = found.get(model) ?? weightPlaces(model);
  found.set(model, places);
  return places;
}

/** Decoders of initializers come before all nodes, those of Constant nodes in their place; shared parts come first of all. */
function placed(
  planned: readonly PlannedWeight[],
  root: string,
): Required<Pick<GraphRewrite, "inside" | "replace" | "remove">> {
  const shared = new Map(planned.map(({ place }) => [place.root, new SharedParts(`${root}/shared`)]));
  const decoders = new Map<Body, Decoder[]>();
  const replace = new Map<NodeProto, readonly NodeProto[]>();
  const remove = new Set<TensorProto>();
  for (const { name, place, plan } of planned) {
    const { body, stored } = place;
    const { nodes, ...others } = plan.emit(`${root}/weights/${name}`, shared.get(place.root)!, place.value);
    const isNode = stored.$typeName === "onnx.NodeProto";
    if (isNode) replace.set(stored, nodes);
    else remove.add(stored);
    decoders.set(body, [...(decoders.get(body) ?? []), { ...others, nodes: isNode ? [] : nodes }]);
  }
  for (const [body, parts] of shared) decoders.set(body, [parts.parts(), ...(decoders.get(body) ?? [])]);
  return { inside: new Map([...decoders].map(([body, list]) => [body, additionOf(list)])), replace, remove };
}

function additionOf(decoders: readonly Decoder[]): BodyAddition {
  return {
    prepend: decoders.flatMap(({ nodes }) => nodes),
    initializers: decoders.flatMap(({ initializers }) => initializers),
    valueInfos: decoders.flatMap(({ valueInfos }) => valueInfos),
  };
}

function versions(
  model: Model,
  planned: readonly PlannedWeight[],
): Pick<GraphRewrite, "opset" | "irVersion" | "removeInputs"> {
  const inGraphs = planned.filter(({ place }) => place.root === model.proto.graph);
  const opset = Math.max(...inGraphs.map(({ plan }) => plan.opset));
  const needed = Math.max(...planned.map(({ plan }) => plan.irVersion));
  const initializers = new Set(model.proto.graph?.initializer.map(({ name }) => name));
  const declared = declaresInitializers(model) ? (model.proto.graph?.input ?? []) : [];
  return {
    ...(opset > opsetOf(model.proto) && { opset }),
    ...(needed > Number(model.proto.irVersion) && { irVersion: needed }),
    removeInputs: new Set(declared.filter(({ name }) => initializers.has(name))),
  };
}

/** What names of new values and nodes begin with: nothing of the model does. */
function freeRoot(model: Model): string {
  const names: string[] = [];
  for (const { graph, nodes, function: body } of walkGraphs(model.proto)) {
    names.push(...(body?.input ?? []));
    for (const { name } of [...(graph?.input ?? []), ...(graph?.initializer ?? [])]) names.push(name);
    for (const { values } of graph?.sparseInitializer ?? []) names.push(values?.name ?? "");
    for (const { output, name } of nodes) names.push(name, ...output);
  }
  let root = "espalier";
  for (let number = 2; names.some((name) => name.startsWith(`${root}/`)); number++) root = `espalier${number}`;
  return root;
}
