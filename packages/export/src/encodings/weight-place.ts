import {
  type FunctionProto,
  type GraphProto,
  type GraphScope,
  type Model,
  type NodeProto,
  type PrunableWeight,
  type TensorEntry,
  type TensorProto,
  walkGraphs,
  walkTensors,
} from "@espalier/onnx";
import type { Refusal } from "./encoding.js";

/** A graph, or the body of a function. */
export type Body = GraphProto | FunctionProto;

/** Where a weight stands. */
export interface WeightPlace {
  /** What it stands in. */
  readonly body: Body;
  /** The main graph or function that this is or is inside of: what stands there can be read here. */
  readonly root: Body;
  /** What goes: an initializer, or a `Constant` node. */
  readonly stored: TensorProto | NodeProto;
  /** Its name there. */
  readonly value: string;
}

/** The first IR version in which an initializer need not be an input, and an input with one is a default. */
const DEFAULTS_SINCE = 4;

/** Whether inputs of initializers are only declarations, as in old models. */
export function declaresInitializers({ proto }: Model): boolean {
  return proto.irVersion < DEFAULTS_SINCE;
}

/** Finds where weights stand; to be made once for a model. */
export function weightPlaces(model: Model): (weight: PrunableWeight) => WeightPlace | Refusal {
  const entries = new Map([...walkTensors(model.proto)].map((entry) => [entry.tensor, entry]));
  const inputs = new Set(model.proto.graph?.input.map(({ name }) => name));
  const namesOf = scopeNames(model);
  return ({ tensor }) => {
    const entry = entries.get(tensor);
    if (entry === undefined) return { refused: "it is not of this model" };
    const { scope } = entry;
    const found = storedAs(entry);
    if ("refused" in found) return found;
    if (isDefault(scope)) return { refused: "it stands in the default of an attribute of a function" };
    if (scope.graph === model.proto.graph && inputs.has(found.value) && !declaresInitializers(model)) {
      return { refused: "it is the default of an input, which callers may replace" };
    }
    // An initializer may hide another value; what a node computes may not, and would not be found by what is inside.
    const hidden = namesOf(scope, found.value);
    if (hidden !== undefined) return { refused: `a value in ${hidden} has the same name` };
    return { ...found, body: bodyOf(scope), root: bodyOf(outermost(scope)) };
  };
}

function storedAs({ tensor, role, node }: TensorEntry): Pick<WeightPlace, "stored" | "value"> | Refusal {
  if (role === "initializer") return { stored: tensor, value: tensor.name };
  if (role === "attribute" && node?.opType === "Constant") return { stored: node, value: node.output[0]! };
  return { refused: "it is neither an initializer nor a Constant node" };
}

function bodyOf({ graph, function: body }: GraphScope): Body {
  return graph ?? body!;
}

function outermost(scope: GraphScope): GraphScope {
  return scope.parent === undefined ? scope : outermost(scope.parent);
}

/** Whether no node holds the graph, or one around it. */
function isDefault({ graph, parent }: GraphScope): boolean {
  if (parent === undefined) return false;
  const isHeld = parent.nodes.some(({ attribute }) => {
    return attribute.some(({ g, graphs }) => g === graph || graphs.includes(graph!));
  });
  return !isHeld || isDefault(parent);
}

/** Finds the graph around or inside a scope that has a value of this name too. */
function scopeNames({ proto }: Model): (scope: GraphScope, name: string) => string | undefined {
  const scopes = [...walkGraphs(proto)].map((scope) => ({ scope, names: definedIn(scope) }));
  return (at, name) => {
    const body = bodyOf(at);
    const hidden = scopes.find(({ scope, names }) => {
      const isOther = bodyOf(scope) !== body;
      return isOther && names.has(name) && (isInside(scope, body) || isInside(at, bodyOf(scope)));
    });
    return hidden?.scope.path.join("/");
  };
}

function isInside(scope: GraphScope, body: Body): boolean {
  return bodyOf(scope) === body || (scope.parent !== undefined && isInside(scope.parent, body));
}

function definedIn({ graph, function: body, nodes }: GraphScope): ReadonlySet<string> {
  const inputs = [...(graph?.input ?? []), ...(graph?.initializer ?? [])].map(({ name }) => name);
  const sparse = graph?.sparseInitializer.map(({ values }) => values?.name ?? "") ?? [];
  return new Set([...inputs, ...sparse, ...(body?.input ?? []), ...nodes.flatMap(({ output }) => output)]);
}
