import type { MatrixProducts } from "../blas/matrix-products.js";
import { dampedLinear, type Quadratic } from "./quadratic.js";

/** When to stop. */
export interface StopRule {
  /** By how much an iteration must lower the error, as a fraction of what all of them have. */
  readonly progress: number;
  readonly maxIterations: number;
}

/** Float32 gets the L2 norm of the residual down to about this fraction of that of the linear term, and hardly further. */
const SMALLEST_RESIDUAL = 1e-5;

/** Where conjugate gradients stopped. */
export interface Iterated {
  /** f64, row-major `[outputs, features]`. */
  readonly values: Float64Array;
  readonly iterations: number;
}

/** All rows at once, f32, row-major `[outputs, features]`. */
interface State {
  readonly features: number;
  readonly keep: Uint8Array;
  readonly values: Float32Array;
  readonly residual: Float32Array;
  readonly direction: Float32Array;
  /** `1 / (G[i, i] + ridge)`. */
  readonly preconditioner: Float64Array;
  /** `Σ residual² · preconditioner` of each row. */
  readonly energy: Float64Array;
}

/** What an iteration did, over all rows. */
interface Progress {
  /** Sum of squares of the residual that is left. */
  readonly squares: number;
  /** By how much the error fell. */
  readonly gain: number;
}

/**
 * Minimises `W (G + ridge) Wᵀ − 2 W·(R + ridge W_d)` on a support: conjugate gradients with the diagonal as the
 * preconditioner, for all rows at once, so that the work is one product `[outputs, features] · G` in float32 an iteration.
 * The error never rises from one iteration to the next.
 *
 * @param keep 1 where an entry may be other than zero, row-major `[outputs, features]`
 * @param start where to start, f64; entries outside of the support are taken as 0
 */
export async function conjugateGradients(
  quadratic: Quadratic,
  ridge: number,
  keep: Uint8Array,
  start: Float64Array,
  stop: StopRule,
  products: MatrixProducts,
): Promise<Iterated> {
  const { outputs, features } = quadratic;
  const gram = new Float32Array(quadratic.gram);
  for (let i = 0; i < features; i++) gram[i * features + i] = quadratic.gram[i * features + i]! + ridge;
  const times = (matrix: Float32Array) => products.multiply(matrix, gram, { m: outputs, n: features, k: features });
  const linear = dampedLinear(quadratic, ridge);
  const state = startState(quadratic, ridge, keep, start);
  const goal = SMALLEST_RESIDUAL ** 2 * squaresOn(keep, linear);
  let isDone = setResidual(state, linear, await times(state.values)) <= goal;
  let gained = 0;
  let iterations = 0;
  for (; !isDone && iterations < stop.maxIterations; iterations++) {
    const { squares, gain } = step(state, await times(state.direction));
    gained += gain;
    isDone = squares <= goal || gain <= stop.progress * gained;
  }
  return { values: new Float64Array(state.values), iterations };
}

function startState({ features, gram }: Quadratic, ridge: number, keep: Uint8Array, start: Float64Array): State {
  const values = new Float32Array(start.length);
  for (let at = 0; at < start.length; at++) if (keep[at] === 1) values[at] = start[at]!;
  return {
    features,
    keep,
    values,
    residual: new Float32Array(start.length),
    direction: new Float32Array(start.length),
    preconditioner: Float64Array.from({ length: features }, (_, i) => 1 / (gram[i * features + i]! + ridge)),
    energy: new Float64Array(start.length / features),
  };
}

function squaresOn(keep: Uint8Array, matrix: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < matrix.length; at++) if (keep[at] === 1) sum += matrix[at]! ** 2;
  return sum;
}

/** Fills the residual and the first direction; returns the residual's sum of squares. */
function setResidual(state: State, linear: Float64Array, product: Float32Array): number {
  const { features, keep, residual, direction, preconditioner, energy } = state;
  let squares = 0;
  for (let row = 0; row < energy.length; row++) {
    let sum = 0;
    for (let i = 0, at = row * features; i < features; i++, at++) {
      if (keep[at] === 0) continue;
      const left = linear[at]! - product[at]!;
      residual[at] = left;
      direction[at] = left * preconditioner[i]!;
      sum += left * left * preconditioner[i]!;
      squares += left * left;
    }
    energy[row] = sum;
  }
  return squares;
}

/** One iteration in every row, each with its own step lengths. */
function step(state: State, product: Float32Array): Progress {
  let squares = 0;
  let gain = 0;
  for (let row = 0; row < state.energy.length; row++) {
    const length = stepLength(state, row, product);
    gain += length * state.energy[row]!;
    squares += stepInRow(state, row, length, product);
  }
  return { squares, gain };
}

function stepLength({ features, direction, energy }: State, row: number, product: Float32Array): number {
  let curvature = 0;
  for (let at = row * features; at < (row + 1) * features; at++) curvature += direction[at]! * product[at]!;
  // A row that is solved to the last bit has no direction left.
  return curvature > 0 ? energy[row]! / curvature : 0;
}

/** Takes a step and sets the next direction; returns the sum of squares of the residual. */
function stepInRow(state: State, row: number, length: number, product: Float32Array): number {
  const { features, preconditioner, energy } = state;
  const rowOf = <Numbers extends Float32Array | Uint8Array>(matrix: Numbers) =>
    matrix.subarray(row * features, (row + 1) * features) as Numbers;
  const keep = rowOf(state.keep);
  const values = rowOf(state.values);
  const residual = rowOf(state.residual);
  const direction = rowOf(state.direction);
  const image = rowOf(product);
  let squares = 0;
  let sum = 0;
  for (let i = 0; i < features; i++) {
    values[i]! += length * direction[i]!;
    // Multiplied by the mask: half of the entries are kept, without a pattern that a branch could follow.
    const left = (residual[i]! - length * image[i]!) * keep[i]!;
    residual[i] = left;
    squares += left * left;
    sum += left * left * preconditioner[i]!;
  }
  const ratio = energy[row]! > 0 ? sum / energy[row]! : 0;
  energy[row] = sum;
  for (let i = 0; i < features; i++) direction[i] = residual[i]! * preconditioner[i]! + ratio * direction[i]!;
  return squares;
}
