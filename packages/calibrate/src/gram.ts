import { triangleLength } from "./moment.js";

/** The second moments of one weight's inputs: `Σ x[i] · x[j]` over all positions, for each group of input features. */
export interface Gram {
  readonly groups: number;
  readonly inFeatures: number;
  /** Positions summed over, at least 1. */
  readonly count: number;
  /** f64; per group the upper triangle row by row: (0,0), (0,1), …, (0,d−1), (1,1), … */
  readonly upperTriangles: Float64Array;
}

/**
 * The Gram matrix `XᵀX` of one group in full.
 *
 * @returns f64, row-major `[inFeatures, inFeatures]`, symmetric
 * @throws {RangeError} when there is no such group
 */
export function gramMatrix({ groups, inFeatures, upperTriangles }: Gram, group = 0): Float64Array {
  if (!Number.isSafeInteger(group) || group < 0 || group >= groups) {
    throw new RangeError(`group ${group}: there are ${groups}, counted from 0`);
  }
  const matrix = new Float64Array(inFeatures * inFeatures);
  let at = group * triangleLength(inFeatures);
  for (let row = 0; row < inFeatures; row++) {
    for (let column = row; column < inFeatures; column++) {
      const value = upperTriangles[at++]!;
      matrix[row * inFeatures + column] = value;
      matrix[column * inFeatures + row] = value;
    }
  }
  return matrix;
}
