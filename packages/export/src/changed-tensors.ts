import { type Model, prunableWeights, type TensorProto } from "@espalier/onnx";
import { ExportError } from "./export-error.js";
import { type NewValues, requireAdjustable } from "./new-values.js";
import type { TensorEdit } from "./zero-entries.js";

/**
 * The edits of tensors that are no masked weights, each by the name that `prunableWeights` gives its constant tensors: unique
 * in the model, also for constants of nodes.
 *
 * @param masked edits of weights that have masks, which get their new values with those
 * @throws {ExportError} `unknown-weight` on a tensor that is none of the model's, or has a mask; `unsupported-dtype`
 */
export function changedTensors(
  model: Model,
  masked: readonly TensorEdit[],
  tensors: ReadonlyMap<TensorProto, NewValues> = new Map(),
): TensorEdit[] {
  if (tensors.size === 0) return [];
  const names = new Map(prunableWeights(model).map(({ tensor, name }) => [tensor, name]));
  const taken = new Set(masked.map(({ tensor }) => tensor));
  return [...tensors].map(([tensor, values]) => {
    const name = names.get(tensor);
    if (name === undefined || taken.has(tensor)) {
      const problem = name === undefined ? "is no constant of the model" : "has a mask: give its new values by name";
      throw new ExportError("unknown-weight", `the tensor "${tensor.name}" is to change, but ${problem}`);
    }
    requireAdjustable(name, tensor);
    return { name, tensor, values };
  });
}
