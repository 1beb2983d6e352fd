import type { Moments } from "../moments.js";
import { RecoverError } from "../recover-error.js";
import type { LayerTask } from "./layer-task.js";

/**
 * Throws unless the arrays of a task fit each other and hold nothing but finite numbers.
 *
 * @throws {RecoverError} `shape-mismatch`, `not-finite`, `no-samples`
 */
export function checkTask(task: LayerTask): void {
  const { weight, outChannels, inFeatures, groups, values, dense, fit, held, damping } = task;
  const entries = outChannels * inFeatures;
  requireLength(weight, "values", values.length, entries);
  requireLength(weight, "dense values", dense.length, entries);
  requireLength(weight, "moments, one a group", fit.length, groups);
  requireFinite(weight, "its values", values);
  if (dense !== values) requireFinite(weight, "its dense values", dense);
  for (const [group, moments] of fit.entries()) checkMoments(weight, group, inFeatures, moments);
  if (held !== undefined) {
    requireLength(weight, "held-back moments, one a group", held.length, groups);
    for (const [group, moments] of held.entries()) checkMoments(weight, group, inFeatures, moments);
  }
  if (damping !== undefined && !(damping > 0 && damping < Number.POSITIVE_INFINITY)) {
    const message = `weight "${weight}": the damping is ${damping}, expected a fraction of the mean diagonal above 0, such as 0.01`;
    throw new RecoverError("unsupported", message, { weight });
  }
}

function checkMoments(weight: string, group: number, features: number, moments: Moments): void {
  const { count, gram, cross, sum, denseSum } = moments;
  if (!(count >= 1)) {
    throw new RecoverError("no-samples", `weight "${weight}": its moments count ${count} positions, expected some`, {
      weight,
      group,
    });
  }
  requireLength(weight, "second moments", gram.length, features ** 2);
  requireLength(weight, "first moments", sum.length, features);
  requireLength(weight, "first moments of the dense model", denseSum.length, features);
  requireFinite(weight, "the second moments of its inputs", gram);
  requireFinite(weight, "the first moments of its inputs", sum);
  requireFinite(weight, "the first moments of its dense inputs", denseSum);
  if (cross === undefined) return;
  requireLength(weight, "cross moments", cross.length, features ** 2);
  requireFinite(weight, "the cross moments of its inputs", cross);
}

function requireLength(weight: string, what: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new RecoverError("shape-mismatch", `weight "${weight}" has ${found} ${what}, expected ${expected}`, { weight });
}

/** Throws `not-finite` where an array holds NaN or ±Infinity. */
export function requireFinite(weight: string, what: string, numbers: Float32Array | Float64Array): void {
  for (let index = 0; index < numbers.length; index++) {
    if (Number.isFinite(numbers[index])) continue;
    const message = `weight "${weight}": ${what} hold ${numbers[index]} at index ${index}, expected finite numbers`;
    throw new RecoverError("not-finite", message, { weight, index });
  }
}
