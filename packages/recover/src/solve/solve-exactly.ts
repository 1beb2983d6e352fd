import type { MatrixProducts } from "../blas/matrix-products.js";
import { inverseFactor } from "../linear-algebra/inverse-factor.js";
import { solveWithFactor } from "./group-problem.js";
import { dampedLinear, type Quadratic } from "./quadratic.js";

/** Rows of a weight that keep the same inputs. */
export interface Support {
  /** Inputs kept, ascending. */
  readonly features: Uint32Array;
  /** Rows of the matrix. */
  readonly rows: number[];
}

/**
 * The different sets of inputs that rows keep, in the order in which they first appear.
 *
 * @param keep 1 where an entry may be other than zero, row-major `[outputs, features]`
 */
export function distinctSupports(keep: Uint8Array, features: number): Support[] {
  const supports = new Map<string, Support>();
  for (let row = 0; row * features < keep.length; row++) {
    const flags = keep.subarray(row * features, (row + 1) * features);
    const key = Buffer.from(flags.buffer, flags.byteOffset, flags.length).toString("latin1");
    const known = supports.get(key);
    if (known) known.rows.push(row);
    else supports.set(key, { features: indicesOf(flags), rows: [row] });
  }
  return [...supports.values()];
}

function indicesOf(flags: Uint8Array): Uint32Array {
  const indices = new Uint32Array(flags.length);
  let count = 0;
  for (let index = 0; index < flags.length; index++) if (flags[index] === 1) indices[count++] = index;
  return indices.slice(0, count);
}

/** Floating point operations of {@link solveExactly}, in the order of magnitude. */
export function exactFlops(supports: readonly Support[]): number {
  return supports.reduce((sum, { features: { length }, rows }) => sum + length ** 3 + 4 * rows.length * length ** 2, 0);
}

/**
 * The minimiser of `W (G + ridge) Wᵀ − 2 W·(R + ridge W_d)` with zeros outside of the supports: one factorization for each
 * set of inputs.
 *
 * @returns f64, row-major `[outputs, features]`; undefined where a factorization fails
 */
export async function solveExactly(
  quadratic: Quadratic,
  ridge: number,
  supports: readonly Support[],
  products: MatrixProducts,
): Promise<Float64Array | undefined> {
  const { outputs, features } = quadratic;
  const linear = dampedLinear(quadratic, ridge);
  const solution = new Float64Array(outputs * features);
  for (const { features: kept, rows } of supports) {
    const size = kept.length;
    if (size === 0) continue;
    const factor = await inverseFactor(subGram(quadratic, ridge, kept), size, products);
    if (factor === undefined) return undefined;
    const targets = new Float64Array(rows.length * size);
    for (const [at, row] of rows.entries()) {
      for (let i = 0; i < size; i++) targets[at * size + i] = linear[row * features + kept[i]!]!;
    }
    const solved = await solveWithFactor(factor, targets, size, products);
    for (const [at, row] of rows.entries()) {
      for (let i = 0; i < size; i++) solution[row * features + kept[i]!] = solved[at * size + i]!;
    }
  }
  return solution;
}

function subGram({ gram, features }: Quadratic, ridge: number, kept: Uint32Array): Float64Array {
  const size = kept.length;
  const part = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const row = kept[i]! * features;
    for (let j = 0; j < size; j++) part[i * size + j] = gram[row + kept[j]!]!;
    part[i * size + i]! += ridge;
  }
  return part;
}
