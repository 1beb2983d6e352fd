import { CoreError } from "./errors.js";
import type { WeightView } from "./weight-view.js";

/**
 * A view of a matrix in memory, row-major `[outChannels, inFeatures]`: the weights of a training loop.
 *
 * @param values the matrix, read anew on every `read()`, so that a session sees what training made of it; or a function
 *   that returns it, for frameworks that replace the array
 * @throws {CoreError} `shape-mismatch` when the length is not `outChannels · inFeatures` (of a function: when it is read)
 */
export function denseMatrix(
  name: string,
  values: Float32Array | Float64Array | (() => Float32Array | Float64Array),
  outChannels: number,
  inFeatures: number,
): WeightView {
  const current = (): Float32Array | Float64Array => {
    const array = typeof values === "function" ? values() : values;
    if (array.length === outChannels * inFeatures) return array;
    throw new CoreError(
      "shape-mismatch",
      `weight "${name}" has ${array.length} values, expected ${outChannels} × ${inFeatures} = ${outChannels * inFeatures}`,
      { weight: name },
    );
  };
  if (typeof values !== "function") current();
  return {
    name,
    outChannels,
    inFeatures,
    groups: 1,
    axes: [
      { role: "out", size: outChannels, step: 1 },
      { role: "in", size: inFeatures, step: 1 },
    ],
    read: current,
  };
}
