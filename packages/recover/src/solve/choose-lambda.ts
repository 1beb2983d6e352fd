import type { MatrixProducts } from "../blas/matrix-products.js";
import type { GroupProblem } from "./group-problem.js";
import { meanDiagonal, type Quadratic, quadraticOf, quadraticValues } from "./quadratic.js";
import { type MaskedSolution, solveOnMask } from "./solve-on-mask.js";

/** A group with its mask. */
export interface MaskedGroup {
  readonly problem: GroupProblem;
  /** 1 where an entry may be other than zero, row-major `[outputs, features]`. */
  readonly keep: Uint8Array;
  /** Where to start from, f64, row-major `[outputs, features]`. */
  readonly start: Float64Array;
}

/** The pull towards the dense weights that is tried, as fractions of the mean diagonal: strongest first. */
const LADDER = [0.3, 0.1, 0.03, 0.01, 0.003];

/** Enough to tell which pull is better; the last fit goes further. */
const TRIAL = { progress: 1e-3, maxIterations: 15 };

/** {@link chooseLambda}'s answer. */
export interface Trial {
  readonly lambda: number;
  /** Where to start the last fit from, per group. */
  readonly starts: readonly Float64Array[];
  readonly iterations: number;
}

/**
 * The pull towards the dense weights under which a fit without the held-back samples does best on them, one for all groups.
 * From the strongest on, until it gets worse: each fit starts from the one before.
 *
 * @param groups all with held-back moments
 */
export async function chooseLambda(
  groups: readonly MaskedGroup[],
  intercept: boolean,
  products: MatrixProducts,
): Promise<Trial> {
  const options = { intercept, symmetric: false };
  const fits: Quadratic[] = [];
  const judges: Quadratic[] = [];
  for (const { problem } of groups) {
    fits.push(await quadraticOf(problem.fit, problem.dense, options, products));
    judges.push(await quadraticOf(problem.held!, problem.dense, options, products));
  }
  let starts: readonly Float64Array[] = groups.map(({ start }) => start);
  let best = { error: Number.POSITIVE_INFINITY, lambda: LADDER[0]!, starts };
  let iterations = 0;
  for (const lambda of LADDER) {
    const solved: MaskedSolution[] = [];
    for (const [index, { keep }] of groups.entries()) {
      const fit = fits[index]!;
      solved.push(await solveOnMask(fit, lambda * meanDiagonal(fit), keep, starts[index]!, products, TRIAL));
    }
    starts = solved.map(({ values }) => values);
    iterations += solved.reduce((sum, solution) => sum + solution.iterations, 0);
    const error = await totalError(judges, starts, products);
    if (!(error < best.error)) break;
    best = { error, lambda, starts };
  }
  return { lambda: best.lambda, starts: best.starts, iterations };
}

async function totalError(
  quadratics: readonly Quadratic[],
  values: readonly Float64Array[],
  products: MatrixProducts,
): Promise<number> {
  let total = 0;
  for (const [index, quadratic] of quadratics.entries()) {
    const errors = await quadraticValues(quadratic, values[index]!, products);
    total += errors.reduce((sum, error) => sum + error, 0);
  }
  return total;
}
