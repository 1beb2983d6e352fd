import type { MatrixProducts } from "../blas/matrix-products.js";
import { dampedFactor } from "./damped-factor.js";
import { type GroupLayout, readGroup } from "./group-layout.js";
import { type FactoredGroup, solveWithFactor } from "./group-problem.js";
import type { LayerTask } from "./layer-task.js";
import { dampedLinear, quadraticOf } from "./quadratic.js";
import { sumMoments } from "./sum-moments.js";

/** Damping that SparseGPT found to be enough on language models. */
export const DEFAULT_DAMPING = 0.01;

/** One group of a task, with its second moments factored. */
export async function prepareGroup(
  task: LayerTask,
  layout: GroupLayout,
  group: number,
  products: MatrixProducts,
): Promise<FactoredGroup> {
  const { intercept, method, weight, damping = DEFAULT_DAMPING } = task;
  const { outputs, features } = layout;
  const values = readGroup(layout, group, task.values);
  const dense = readGroup(layout, group, task.dense);
  const fit = task.fit[group]!;
  const held = task.held?.[group];
  const all = sumMoments(fit, held);
  const symmetric = method !== "least-squares" || all.cross === undefined;
  const quadratic = await quadraticOf(all, dense, { intercept, symmetric }, products);
  const damped = await dampedFactor(quadratic, damping, weight, products);
  let best = dense;
  if (all.cross !== undefined) {
    const own = symmetric ? await quadraticOf(all, dense, { intercept, symmetric: false }, products) : quadratic;
    best = await solveWithFactor(damped.factor, dampedLinear(own, damped.ridge), features, products);
  }
  return {
    outputs,
    features,
    values,
    frozen: zerosOf(values),
    dense,
    all,
    fit,
    ...(held && { held }),
    quadratic,
    damped,
    unpruned: symmetric ? dense : best,
    best,
    deadInputs: zerosOnDiagonal(quadratic.gram, features),
  };
}

/** A loop: `Uint8Array.from` with a function takes 50 times as long. */
function zerosOf(values: Float64Array): Uint8Array {
  const zeros = new Uint8Array(values.length);
  for (let at = 0; at < values.length; at++) zeros[at] = values[at] === 0 ? 1 : 0;
  return zeros;
}

function zerosOnDiagonal(gram: Float64Array, features: number): number {
  let zeros = 0;
  // About the mean, rounding can leave a constant input slightly below zero.
  for (let i = 0; i < features; i++) if (gram[i * features + i]! <= 0) zeros++;
  return zeros;
}
