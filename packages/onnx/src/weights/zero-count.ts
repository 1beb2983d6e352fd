import type { DtypeName } from "../dtype.js";
import type { Model } from "../model.js";
import { tensorChunks } from "../tensor-chunks.js";
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
 * prunable weight; other integers are shapes and indices. Reads one tensor at a time, floating-point ones in pieces.
 *
 * @throws {OnnxError} when a tensor cannot be read
 */
export function* parameterCounts(model: Model): Generator<ParameterCount> {
  for (const weight of prunableWeights(model)) {
    const { name, prunable } = weight;
    const count = isFloat(weight) ? countFloatZeros(model, weight) : prunable && countQuantizedZeros(weight);
    if (count) yield { name, prunable, ...count };
  }
}

/**
 * Counts the zeros of one prunable weight of a model.
 *
 * @throws {OnnxError} when it cannot be read
 */
export function countZeros(model: Model, weight: PrunableWeight): ZeroCount {
  return isFloat(weight) ? countFloatZeros(model, weight) : countQuantizedZeros(weight);
}

function countQuantizedZeros(weight: PrunableWeight): ZeroCount {
  const values = weight.read();
  let zeros = 0;
  // Adding a comparison has no branch to predict wrong, which among random zeros costs ten times the rest.
  for (let index = 0; index < values.length; index++) zeros += Number(values[index] === 0);
  return { zeros, total: values.length };
}

function isFloat({ dtype }: Weight): boolean {
  return NON_ZEROS.has(dtype);
}

function countFloatZeros(model: Model, weight: Weight): ZeroCount {
  const countNonZeros = NON_ZEROS.get(weight.dtype)!;
  let nonZeros = 0;
  for (const chunk of tensorChunks(model, weight.tensor)) nonZeros += countNonZeros(chunk);
  // A sparse tensor stores fewer entries than its shape has: the others are zero.
  const total = weight.shape.reduce((product, length) => product * length, 1);
  return { zeros: total - nonZeros, total };
}

/** How many elements are something else than a zero of either sign: whose bits but the sign are not all 0. */
const NON_ZEROS: ReadonlyMap<DtypeName, (chunk: Uint8Array) => number> = new Map([
  ["float16", nonZeroHalves],
  ["bfloat16", nonZeroHalves],
  ["float32", nonZeroSingles],
  ["float64", nonZeroDoubles],
]);

function nonZeroHalves({ buffer, byteOffset, length }: Uint8Array): number {
  const bits = new Uint16Array(buffer, byteOffset, length / 2);
  let count = 0;
  for (let index = 0; index < bits.length; index++) count += Number((bits[index]! & 0x7fff) !== 0);
  return count;
}

function nonZeroSingles({ buffer, byteOffset, length }: Uint8Array): number {
  const bits = new Int32Array(buffer, byteOffset, length / 4);
  let count = 0;
  for (let index = 0; index < bits.length; index++) count += Number((bits[index]! & 0x7fffffff) !== 0);
  return count;
}

function nonZeroDoubles({ buffer, byteOffset, length }: Uint8Array): number {
  const words = new Int32Array(buffer, byteOffset, length / 4);
  let count = 0;
  for (let low = 0; low < words.length; low += 2) {
    count += Number((words[low]! | (words[low + 1]! & 0x7fffffff)) !== 0);
  }
  return count;
}

/** The fraction of zeros over several tensors; 0 over nothing. */
export function fractionOfZeros(counts: readonly ZeroCount[]): number {
  const sum = (part: "zeros" | "total"): number => counts.reduce((all, count) => all + count[part], 0);
  return counts.length === 0 ? 0 : sum("zeros") / sum("total");
}
