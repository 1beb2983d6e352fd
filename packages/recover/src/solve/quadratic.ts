import type { MatrixProducts } from "../blas/matrix-products.js";
import type { Drift, Moments } from "../moments.js";

/**
 * The squared output error of one group of a weight as a function of its matrix W `[outputs, features]`, up to a constant:
 * `Σₒ wₒ G wₒᵀ − 2 wₒ·rₒ`. Where a bias may change, G and R are moments about the mean: that is the error with the best bias.
 */
export interface Quadratic {
  readonly outputs: number;
  readonly features: number;
  /** G, f64, row-major `[features, features]`: `Σ x xᵀ`. */
  readonly gram: Float64Array;
  /** R, f64, row-major `[outputs, features]`: `Σ target xᵀ`. */
  readonly linear: Float64Array;
  /** W_d, f64, row-major `[outputs, features]`: what a ridge pulls towards. */
  readonly dense: Float64Array;
  /** Mean of `Σ x²` over the features, not about the mean: what rounding in G is relative to. */
  readonly scale: number;
}

/** What the outputs are compared with. */
export interface TargetOptions {
  /** Moments about the mean. */
  readonly intercept: boolean;
  /** Targets are `W_d x_p` even where cross moments would give `W_d x_d`, and drift more. */
  readonly symmetric: boolean;
}

/** The quadratic of some moments; see {@link Quadratic}. */
export async function quadraticOf(
  moments: Moments,
  dense: Float64Array,
  { intercept, symmetric }: TargetOptions,
  products: MatrixProducts,
): Promise<Quadratic> {
  const features = moments.sum.length;
  const outputs = dense.length / features;
  const gram = intercept ? aboutMean(moments.gram, moments.sum, moments.sum, moments.count) : moments.gram;
  const cross = symmetric ? undefined : crossOf(moments, intercept);
  const shape = { m: outputs, n: features, k: features, transB: true };
  const linear = await products.multiply(dense, cross ?? gram, shape);
  if (moments.drift && !symmetric) addDrift(linear, moments, moments.drift, intercept);
  if (intercept) forgetConstants({ gram, linear }, moments.gram);
  const scale = meanDiagonal({ gram: moments.gram, features });
  return { outputs, features, gram, linear, dense, scale };
}

/**
 * A variance below this part of the raw second moment is rounding: sums leave the graph in float32, and a constant input would be
 * fitted to their last bits, or leave a matrix that is not even positive.
 */
const ROUNDING = 1e-6;

/** Inputs that are constant to rounding say nothing beside a bias: their rows and columns become zero, as those of dead ones are. */
function forgetConstants({ gram, linear }: Pick<Quadratic, "gram" | "linear">, raw: Float64Array): void {
  const features = Math.sqrt(gram.length);
  for (let i = 0; i < features; i++) {
    const at = i * features + i;
    if (gram[at]! > ROUNDING * raw[at]!) continue;
    for (let other = 0; other < features; other++) {
      gram[i * features + other] = 0;
      gram[other * features + i] = 0;
    }
    for (let column = i; column < linear.length; column += features) linear[column] = 0;
  }
}

/** The targets are off by δ: `R += Σ δ xᵀ`. */
function addDrift(linear: Float64Array, { sum, count }: Moments, drift: Drift, intercept: boolean): void {
  const cross = intercept ? aboutMean(drift.cross, sum, drift.sum, count) : drift.cross;
  const features = sum.length;
  const outputs = drift.sum.length;
  for (let output = 0, at = 0; output < outputs; output++) {
    for (let feature = 0; feature < features; feature++, at++) linear[at]! += cross[feature * outputs + output]!;
  }
}

function crossOf({ cross, sum, denseSum, count }: Moments, intercept: boolean): Float64Array | undefined {
  return intercept && cross !== undefined ? aboutMean(cross, sum, denseSum, count) : cross;
}

/** `matrix − a bᵀ / count`. */
function aboutMean(matrix: Float64Array, a: Float64Array, b: Float64Array, count: number): Float64Array {
  const centred = new Float64Array(matrix.length);
  const columns = b.length;
  for (let row = 0; row < a.length; row++) {
    const factor = a[row]! / count;
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      centred[at] = matrix[at]! - factor * b[column]!;
    }
  }
  return centred;
}

/** Mean of the diagonal of G; 1 where all of it is 0, so that a fraction of it still makes a matrix that has an inverse. */
export function meanDiagonal({ gram, features }: Pick<Quadratic, "gram" | "features">): number {
  let sum = 0;
  for (let i = 0; i < features; i++) sum += gram[i * features + i]!;
  return sum > 0 ? sum / features : 1;
}

/** `G + ridge · I`. */
export function dampedGram({ gram, features }: Quadratic, ridge: number): Float64Array {
  const damped = gram.slice();
  for (let i = 0; i < features; i++) damped[i * features + i]! += ridge;
  return damped;
}

/** `R + ridge · W_d`: the linear term that belongs to {@link dampedGram}. */
export function dampedLinear({ linear, dense }: Quadratic, ridge: number): Float64Array {
  return linear.map((value, at) => value + ridge * dense[at]!);
}

/**
 * `Σₒ wₒ G wₒᵀ − 2 wₒ·rₒ` for each output.
 *
 * @param values W, f64, row-major `[outputs, features]`
 * @returns f64 `[outputs]`
 */
export async function quadraticValues(
  { gram, linear, outputs, features }: Pick<Quadratic, "gram" | "linear" | "outputs" | "features">,
  values: Float64Array,
  products: MatrixProducts,
): Promise<Float64Array> {
  const product = await products.multiply(values, gram, { m: outputs, n: features, k: features });
  const result = new Float64Array(outputs);
  for (let row = 0, at = 0; row < outputs; row++) {
    let sum = 0;
    for (let column = 0; column < features; column++, at++) sum += values[at]! * (product[at]! - 2 * linear[at]!);
    result[row] = sum;
  }
  return result;
}
