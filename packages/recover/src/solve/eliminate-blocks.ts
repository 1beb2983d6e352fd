import { prunedCount } from "@espalier/core";
import type { MatrixProducts } from "../blas/matrix-products.js";
import { readBlock, writeBlock } from "../linear-algebra/matrix-block.js";
import type { Eliminated } from "./eliminate-columns.js";
import type { FactoredGroup } from "./group-problem.js";
import { InputBlocks } from "./input-blocks.js";

/** `blocks:BKxBN`. */
export interface BalancedBlocks {
  /** BK, in-features of a block. */
  readonly inputs: number;
  /** BN, outputs that share their inputs. */
  readonly outputs: number;
  readonly sparsity: number;
}

/**
 * Balanced blocks by backward elimination: for every `outputs` rows by themselves, the block of inputs whose removal costs
 * least goes, what stays takes over its part exactly, and so on until `prunedCount` of the blocks are gone. What is left is
 * the least-squares solution on the inputs kept.
 *
 * Removing block b costs `tr(W_b ([H⁻¹]_bb)⁻¹ W_bᵀ)`. Blocks of zeros go first.
 *
 * @see Hassibi and Stork 1992 (optimal brain surgeon), for blocks of weights instead of single ones
 */
export async function eliminateBlocks(
  group: FactoredGroup,
  pattern: BalancedBlocks,
  products: MatrixProducts,
): Promise<Eliminated> {
  const { outputs, features, unpruned, damped } = group;
  const inverse = await products.multiply(damped.factor, damped.factor, {
    m: features,
    n: features,
    k: features,
    transA: true,
  });
  const pruned = new Uint8Array(outputs * features);
  const values = new Float64Array(outputs * features);
  for (let row = 0; row < outputs; row += pattern.outputs) {
    const rows = Math.min(pattern.outputs, outputs - row);
    const place = { stride: features, row, column: 0, rows, columns: features };
    const weights = transposed(readBlock(unpruned, place), rows);
    const frozen = group.frozen.subarray(row * features, (row + rows) * features);
    const gone = await eliminateInRows(weights, frozen, inverse, pattern, products);
    writeBlock(values, place, transposed(weights, features));
    for (let r = 0; r < rows; r++) pruned.set(gone, (row + r) * features);
  }
  return { pruned, values };
}

/**
 * Removes blocks of inputs from some rows; returns 1 for each in-feature that went.
 *
 * @param weights f64, row-major `[features, rows]`: transposed, so that a block of inputs lies in one piece. Changed in place
 */
async function eliminateInRows(
  weights: Float64Array,
  frozen: Uint8Array,
  inverse: Float64Array,
  { inputs, sparsity }: BalancedBlocks,
  products: MatrixProducts,
): Promise<Uint8Array> {
  const features = Math.sqrt(inverse.length);
  const rows = weights.length / features;
  const blocks = new InputBlocks(inverse, features, inputs, products);
  const isZero = Array.from({ length: blocks.count }, (_, block) => isZeroBlock(frozen, rows, features, inputs, block));
  const gone = new Uint8Array(features);
  for (let left = prunedCount(blocks.count, sparsity); left > 0; left--) {
    const block = blocks.cheapest(weights, isZero);
    const { first, width } = blocks.place(block);
    const { row: panel, factor } = await blocks.remove(block);
    const own = weights.subarray(first * rows, (first + width) * rows);
    const scaled = await products.multiply(factor, own, { m: width, n: rows, k: width });
    const update = await products.multiply(panel, scaled, { m: features, n: rows, k: width, transA: true });
    for (let at = 0; at < weights.length; at++) weights[at]! -= update[at]!;
    gone.fill(1, first, first + width);
    clearRows(weights, rows, gone);
  }
  return gone;
}

function isZeroBlock(frozen: Uint8Array, rows: number, features: number, inputs: number, block: number): boolean {
  for (let row = 0; row < rows; row++) {
    const flags = frozen.subarray(
      row * features + block * inputs,
      row * features + Math.min((block + 1) * inputs, features),
    );
    if (flags.includes(0)) return false;
  }
  return true;
}

/** What is gone is zero but for rounding; later updates would let it grow. */
function clearRows(weights: Float64Array, rows: number, gone: Uint8Array): void {
  for (const [feature, flag] of gone.entries()) if (flag === 1) weights.fill(0, feature * rows, (feature + 1) * rows);
}

/** A row-major matrix of so many rows with rows and columns exchanged. */
function transposed(matrix: Float64Array, rows: number): Float64Array {
  const columns = matrix.length / rows;
  const result = new Float64Array(matrix.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = matrix[row * columns + column]!;
  }
  return result;
}
