import { elementSize } from "../dtype.js";
import type { Model } from "../model.js";
import { tensorBytes } from "../tensor-bytes.js";
import { prunableWeights } from "./prunable-weights.js";
import type { PrunableWeight, Weight } from "./weight.js";

/** Entries of a tensor that are zero (+0 or −0; for quantised weights the zero point), and all entries. */
export interface ZeroCount {
  readonly zeros: number;
  readonly total: number;
}

/** The zeros of one parameter tensor of a model. */
export interface ParameterCount extends ZeroCount {
  readonly name: string;
  readonly prunable: boolean;
}

/**
 * Counts the zeros of every parameter tensor: of every floating-point tensor wherever it stands, and of every quantised
 * prunable weight; other integers are shapes and indices. Reads one tensor at a time.
 *
 * @throws {OnnxError} when a tensor cannot be read
 */
export function* parameterCounts(model: Model): Generator<ParameterCount> {
  for (const weight of prunableWeights(model)) {
    const { name, prunable } = weight;
    if (weight.prunable) yield { name, prunable, ...countZeros(weight) };
    else if (FLOATS.includes(weight.dtype)) yield { name, prunable, ...countFloatZeros(model, weight) };
  }
}

const FLOATS: readonly string[] = ["float16", "bfloat16", "float32", "float64"];

/** Counts the zeros of one prunable weight. */
export function countZeros(weight: Pick<PrunableWeight, "read">): ZeroCount {
  const values = weight.read();
  let zeros = 0;
  // Adding a comparison has no branch to predict wrong, which among random zeros costs ten times the rest.
  for (let index = 0; index < values.length; index++) zeros += Number(values[index] === 0);
  return { zeros, total: values.length };
}

function countFloatZeros(model: Model, weight: Weight): ZeroCount {
  const bytes = tensorBytes(model, weight.tensor);
  const size = elementSize(weight.tensor.dataType);
  let nonZeros = 0;
  for (let end = size; end <= bytes.length; end += size) {
    let rest = bytes[end - 1]! & 0x7f; // without the sign
    for (let at = end - size; at < end - 1; at++) rest |= bytes[at]!;
    if (rest !== 0) nonZeros++;
  }
  // A sparse tensor stores fewer entries than its shape has: the others are zero.
  const total = weight.shape.reduce((product, length) => product * length, 1);
  return { zeros: total - nonZeros, total };
}

/** The fraction of zeros over several tensors; 0 over nothing. */
export function fractionOfZeros(counts: readonly ZeroCount[]): number {
  const sum = (part: "zeros" | "total"): number => counts.reduce((all, count) => all + count[part], 0);
  return counts.length === 0 ? 0 : sum("zeros") / sum("total");
}
