import { type Model, type NodeProto, type PrunableWeight, type TensorProto, walkTensors } from "@espalier/onnx";
import type { Refusal } from "./encoding.js";

/** Where a weight stands in the main graph. */
export type WeightPlace =
  | { readonly kind: "initializer"; readonly tensor: TensorProto; readonly value: string }
  | { readonly kind: "constant"; readonly node: NodeProto; readonly value: string };

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
  return ({ tensor }) => {
    const entry = entries.get(tensor);
    if (entry === undefined) return { refused: "it is not of this model" };
    const { scope, role, node } = entry;
    if (scope.path.length > 1 || scope.path[0] !== "main") {
      return { refused: `it stands in ${scope.path.join("/")}: only weights of the main graph are encoded` };
    }
    if (role === "initializer") {
      if (inputs.has(tensor.name) && !declaresInitializers(model)) {
        return { refused: "it is the default of an input, which callers may replace" };
      }
      return { kind: "initializer", tensor, value: tensor.name };
    }
    if (role === "attribute" && node?.opType === "Constant") return { kind: "constant", node, value: node.output[0]! };
    return { refused: "it is neither an initializer nor a Constant node" };
  };
}
