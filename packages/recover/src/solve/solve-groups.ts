import type { MatrixProducts } from "../blas/matrix-products.js";
import { chooseLambda, type MaskedGroup } from "./choose-lambda.js";
import type { FactoredGroup } from "./group-problem.js";
import type { LayerReport, LayerTask } from "./layer-task.js";
import { matchDeviations } from "./match-deviations.js";
import { meanDiagonal } from "./quadratic.js";
import { type MaskedSolution, solveOnMask } from "./solve-on-mask.js";

/** Weights of every group, and how they were found. */
export interface SolvedGroups extends Pick<LayerReport, "lambda" | "solver" | "iterations"> {
  /** Per group, f64, row-major `[outputs, features]`; 0 where not kept. */
  readonly values: readonly Float64Array[];
}

/** A group with its mask and its factorization. */
export type PreparedGroup = MaskedGroup & { readonly problem: FactoredGroup };

/** What a task's method makes of the masked weights. */
export async function solveGroups(
  { method, intercept }: LayerTask,
  groups: readonly PreparedGroup[],
  products: MatrixProducts,
): Promise<SolvedGroups> {
  if (method === "obs") return fitOnMask(groups, (group) => group.problem.damped.ridge, products);
  if (method === "least-squares") return leastSquares(groups, intercept, products);
  const values: Float64Array[] = [];
  for (const { problem, keep } of groups) {
    const masked = problem.values.map((value, at) => (keep[at] === 1 ? value : 0));
    values.push(method === "scale" ? await matchDeviations(problem, masked, products) : masked);
  }
  return { values, lambda: 0, solver: "none", iterations: 0 };
}

async function leastSquares(
  groups: readonly PreparedGroup[],
  intercept: boolean,
  products: MatrixProducts,
): Promise<SolvedGroups> {
  if (!groups.every(({ problem }) => problem.held)) {
    return fitOnMask(groups, ({ problem }) => problem.damped.ridge, products);
  }
  const trial = await chooseLambda(groups, intercept, products);
  const warm = groups.map((group, index) => ({ ...group, start: trial.starts[index]! }));
  const solved = await fitOnMask(warm, ({ problem }) => trial.lambda * meanDiagonal(problem.quadratic), products);
  return { ...solved, lambda: trial.lambda, iterations: solved.iterations + trial.iterations };
}

/** The last fit, on all samples. */
async function fitOnMask(
  groups: readonly PreparedGroup[],
  ridgeOf: (group: PreparedGroup) => number,
  products: MatrixProducts,
): Promise<SolvedGroups> {
  const solved: MaskedSolution[] = [];
  for (const group of groups) {
    const { problem, keep, start } = group;
    solved.push(await solveOnMask(problem.quadratic, ridgeOf(group), keep, start, products));
  }
  return {
    values: solved.map(({ values }) => values),
    lambda: Math.max(...groups.map(({ problem }) => problem.damped.damping)),
    solver: solved.some(({ solver }) => solver === "cg") ? "cg" : "cholesky",
    iterations: solved.reduce((sum, { iterations }) => sum + iterations, 0),
  };
}
