import { applyMaskBits } from "../kernels/index.js";
import type { Mask } from "./mask.js";
import { requireLength } from "./require-length.js";

/**
 * The values with pruned entries set to +0, in a new array. Selected, not multiplied: kept entries are the same bit for
 * bit, and a pruned NaN, ±Infinity or negative number becomes +0 like any other.
 *
 * @param values in the order of the mask
 * @throws {CoreError} `shape-mismatch` when the lengths differ
 */
export function applyMask<Values extends Float32Array | Float64Array>(values: Values, mask: Mask): Values;
export function applyMask(values: Float32Array | Float64Array, mask: Mask): Float32Array | Float64Array {
  requireLength(mask, values.length, "the values");
  if (values instanceof Float32Array) {
    const pruned = new Float32Array(values.length);
    applyMaskBits(values, mask.bits, pruned);
    return pruned;
  }
  const pruned = values.slice();
  for (let index = 0; index < pruned.length; index++) if (!mask.keeps(index)) pruned[index] = 0;
  return pruned;
}
