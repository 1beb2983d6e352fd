import type { PrunableWeight, TensorProto } from "@espalier/onnx";
import type { Moments } from "../moments.js";
import type { TensorEdit } from "./model-pair.js";
import { storedBytes } from "./stored-bytes.js";

/** Second moments of a weight's inputs, one for each group. */
export interface StageInputs {
  /** Over the batches that are not held back. */
  readonly fit: readonly Moments[];
  /** Over those held back; empty where there are none. */
  readonly held: readonly Moments[];
}

/** What becomes of a weight. */
export interface Decision {
  /** In buffer order; rounded to the dtype of the tensor. */
  readonly values: Float32Array | Float64Array;
  /** New values of a bias that only nodes behind the weight read. */
  readonly bias?: { readonly tensor: TensorProto; readonly values: Float32Array | Float64Array };
}

/** Called for every weight of a stage at a time, once the moments of its inputs are there. */
export type Decide = (weight: PrunableWeight, inputs: StageInputs) => Promise<Decision>;

/** @throws {RecoverError} `bad-option`, `not-finite` where the values do not fit their tensor */
export function editsOf({ tensor }: PrunableWeight, { values, bias }: Decision): readonly TensorEdit[] {
  const weight = { tensor, bytes: storedBytes(tensor, values) };
  return bias === undefined
    ? [weight]
    : [weight, { tensor: bias.tensor, bytes: storedBytes(bias.tensor, bias.values) }];
}
