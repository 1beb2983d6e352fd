import type { WeightView } from "@espalier/core";
import { type Model, prunableWeights } from "@espalier/onnx";
import { integerMatrices } from "./integer-matrices.js";

/** Every constant of a model that an operator multiplies with, as a matrix: what a certified weight may have become. */
export function matricesOf(model: Model): WeightView[] {
  const constants = prunableWeights(model);
  return [...constants.filter((weight) => weight.prunable), ...integerMatrices(model, constants)];
}
