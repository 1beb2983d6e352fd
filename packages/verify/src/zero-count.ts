import {
  elementSize,
  type Model,
  type PrunableWeight,
  prunableWeights,
  tensorBytes,
  type Weight,
} from "@espalier/onnx";
import type { SparsityFigures } from "./check.js";

/** Entries of a tensor that are zero (+0 or −0; for quantised weights the zero point), and all entries. */
export interface ZeroCount {
  readonly zeros: number;
  readonly total: number;
}

/** Counts the zeros of one prunable weight. */
export function countZeros(weight: Pick<PrunableWeight, "read">): ZeroCount {
  const values = weight.read();
  let zeros = 0;
  for (let index = 0; index < values.length; index++) if (values[index] === 0) zeros++;
  return { zeros, total: values.length };
}

/**
 * The fractions of zeros in a model, each over its own denominator. Reads one tensor at a time.
 *
 * @param isPruned says by name which prunable weights are "the pruned weights"
 * @throws {OnnxError} when a tensor cannot be read
 */
export function measureSparsity(model: Model, isPruned: (name: string) => boolean): Omit<SparsityFigures, "kind"> {
  const pruned = new Tally();
  const prunable = new Tally();
  const all = new Tally();
  for (const weight of prunableWeights(model)) {
    if (!isParameter(weight)) continue;
    const count = weight.prunable ? countZeros(weight) : countFloatZeros(model, weight);
    all.add(count);
    if (weight.prunable) prunable.add(count);
    if (weight.prunable && isPruned(weight.name)) pruned.add(count);
  }
  return { ofPruned: pruned.fraction(), ofPrunable: prunable.fraction(), ofAll: all.fraction() };
}

class Tally {
  #zeros = 0;
  #total = 0;

  add({ zeros, total }: ZeroCount): void {
    this.#zeros += zeros;
    this.#total += total;
  }

  /** 0 over nothing. */
  fraction(): number {
    return this.#total === 0 ? 0 : this.#zeros / this.#total;
  }
}

const FLOATS: readonly string[] = ["float16", "bfloat16", "float32", "float64"];

/** Floating-point tensors are parameters wherever they stand; integers are shapes and indices unless they are quantised weights. */
function isParameter(weight: Weight): boolean {
  return weight.prunable || FLOATS.includes(weight.dtype);
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
