import type { MatrixProducts } from "../blas/matrix-products.js";
import type { GroupProblem } from "./group-problem.js";
import { type Quadratic, quadraticOf, quadraticValues } from "./quadratic.js";

/** What the output of one group is measured against. */
export interface ErrorMeasure {
  readonly quadratic: Quadratic;
  /** Variance of the target times the number of positions, per output; see {@link errorMeasure}. */
  readonly energy: Float64Array;
  readonly problem: GroupProblem;
}

/**
 * Prepares measuring on the samples held back, or on all where there are none. `Σ (W_d x_d)²` about the mean is known where
 * both models see the same inputs; elsewhere the part of it that the best unpruned weights predict from `x_p` stands for it.
 */
export async function errorMeasure(problem: GroupProblem, products: MatrixProducts): Promise<ErrorMeasure> {
  const moments = problem.held ?? problem.all;
  const options = { intercept: true, symmetric: false };
  const quadratic = await quadraticOf(moments, problem.dense, options, products);
  const { dense, best } = problem;
  // At the dense weights the value is −‖W_d x‖² if they are the target, and then R alone tells it.
  const least = best === dense ? negativeSums(dense, quadratic) : await quadraticValues(quadratic, best, products);
  return { quadratic, energy: least.map((value) => Math.max(0, -value)), problem };
}

function negativeSums(dense: Float64Array, { linear, outputs, features }: Quadratic): Float64Array {
  const sums = new Float64Array(outputs);
  for (let at = 0; at < dense.length; at++) sums[Math.floor(at / features)]! -= dense[at]! * linear[at]!;
  return sums;
}

/**
 * `‖W x_p + b − W_d x_d‖²` and what it is relative to, summed over positions and outputs.
 *
 * @param values W, f64, row-major `[outputs, features]`
 * @param bias b, f64 `[outputs]`
 */
export async function outputError(
  { quadratic, energy, problem }: ErrorMeasure,
  values: Float64Array,
  bias: Float64Array,
  products: MatrixProducts,
): Promise<{ readonly error: number; readonly energy: number }> {
  const moments = problem.held ?? problem.all;
  const aboutMean = await quadraticValues(quadratic, values, products);
  const shift = meanChange(problem, values, moments);
  let error = 0;
  for (let output = 0; output < energy.length; output++) {
    error += Math.max(0, aboutMean[output]! + energy[output]!) + moments.count * (shift[output]! - bias[output]!) ** 2;
  }
  return { error, energy: energy.reduce((sum, value) => sum + value, 0) };
}

/** Mean of `W_d x_d − W x_p`, plus drift, over some moments, f64 `[outputs]`: the bias change that makes up for it. */
export function meanChange(
  { dense, features, all }: GroupProblem,
  values: Float64Array,
  { sum, denseSum, count, drift } = all,
): Float64Array {
  const change = new Float64Array(values.length / features);
  for (let at = 0; at < values.length; at++) {
    const feature = at % features;
    change[Math.floor(at / features)]! += dense[at]! * denseSum[feature]! - values[at]! * sum[feature]!;
  }
  return change.map((total, output) => (total + (drift?.sum[output] ?? 0)) / count);
}
