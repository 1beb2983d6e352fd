import type { MatrixProducts } from "../blas/matrix-products.js";
import { inverseFactor } from "../linear-algebra/inverse-factor.js";
import { readBlock } from "../linear-algebra/matrix-block.js";
import type { FactoredGroup } from "./group-problem.js";
import { dampedGram } from "./quadratic.js";

/**
 * What removing the part of a row that lies in a block of inputs costs when the rest of the row makes up for it,
 * `w_b ([H⁻¹]_bb)⁻¹ w_bᵀ`, spread evenly over the entries of that part: sums over tiles are then what a tile costs, as long as
 * few tiles of a row go.
 *
 * @param width in-features of a tile
 * @returns f64, row-major `[outputs, features]`, ≥ 0; 0 where a weight was pruned before
 */
export async function tileImportance(
  group: FactoredGroup,
  width: number,
  products: MatrixProducts,
): Promise<Float64Array> {
  const { outputs, features, unpruned, frozen, damped } = group;
  const weights = unpruned.map((value, at) => (frozen[at] === 1 ? 0 : value));
  const importance = new Float64Array(outputs * features);
  const inverse = await products.multiply(damped.factor, damped.factor, {
    m: features,
    n: features,
    k: features,
    transA: true,
  });
  for (let first = 0; first < features; first += width) {
    const columns = Math.min(width, features - first);
    const part = readBlock(weights, { stride: features, row: 0, column: first, rows: outputs, columns });
    const block = readBlock(inverse, { stride: features, row: first, column: first, rows: columns, columns });
    const costs = await partCosts(group, part, block, columns, products);
    for (let row = 0; row < outputs; row++) {
      const at = row * features + first;
      importance.fill(costs[row]! / columns, at, at + columns);
    }
  }
  return importance;
}

/** `w_b ([H⁻¹]_bb)⁻¹ w_bᵀ` of every row. */
async function partCosts(
  { quadratic, damped, features, outputs }: FactoredGroup,
  part: Float64Array,
  block: Float64Array,
  columns: number,
  products: MatrixProducts,
): Promise<Float64Array> {
  if (columns === features) {
    // Nothing is left to make up for a whole row.
    const gram = dampedGram(quadratic, damped.ridge);
    return rowSums(part, await products.multiply(part, gram, { m: outputs, n: features, k: features }), columns);
  }
  const factor = await inverseFactor(block, columns, products);
  if (factor === undefined) return new Float64Array(outputs);
  const scaled = await products.multiply(part, factor, { m: outputs, n: columns, k: columns, transB: true });
  return rowSums(scaled, scaled, columns);
}

/** Sums of the products of entries, row by row. */
function rowSums(a: Float64Array, b: Float64Array, columns: number): Float64Array {
  const sums = new Float64Array(a.length / columns);
  for (let at = 0; at < a.length; at++) sums[Math.floor(at / columns)]! += a[at]! * b[at]!;
  return sums;
}
