import type { MatrixProducts } from "../blas/matrix-products.js";
import { invertTriangle } from "../linear-algebra/invert-triangle.js";
import { readBlock, subtractBlock } from "../linear-algebra/matrix-block.js";

/** A block of in-features. */
export interface InputBlock {
  readonly first: number;
  /** As wide as the others, but for the last. */
  readonly width: number;
}

/** What removing a block does to the rest. */
export interface Removal {
  /** `V = F · [H⁻¹]_b,:`, f64, row-major `[width, features]`: the inverse of what stays is `H⁻¹ − Vᵀ V`. */
  readonly row: Float64Array;
  /** F with `([H⁻¹]_bb)⁻¹ = Fᵀ F`, lower triangular, f64, row-major `[width, width]`. */
  readonly factor: Float64Array;
}

/**
 * The inverse H⁻¹ of the second moments while blocks of inputs are removed one by one.
 *
 * Costs need only its blocks on the diagonal, which are kept up to date. The row of blocks of the one that goes is worked out
 * when it goes, from all removals before it: a Cholesky factorization of H⁻¹ that looks to the left and takes its pivots in
 * the order of cost. So the matrix itself is never updated, and what is done is one product per removal.
 */
export class InputBlocks {
  readonly count: number;
  readonly #inverse: Float64Array;
  readonly #features: number;
  readonly #width: number;
  readonly #products: MatrixProducts;
  /** V of every removal, one after the other: row-major `[removed features, features]`, with room for more. */
  readonly #removals: Float64Array;
  #removed = 0;
  /** Blocks on the diagonal; undefined once removed. */
  readonly #diagonal: (Float64Array | undefined)[];
  /** F of each block; undefined where its diagonal block has changed since. */
  readonly #factors: (Float64Array | undefined)[];

  /** @param inverse f64, row-major `[features, features]`, symmetric positive definite; not changed */
  constructor(inverse: Float64Array, features: number, width: number, products: MatrixProducts) {
    this.count = Math.ceil(features / width);
    this.#inverse = inverse;
    this.#features = features;
    this.#width = width;
    this.#products = products;
    this.#removals = new Float64Array(features * features);
    this.#diagonal = Array.from({ length: this.count }, (_, block) => readBlock(inverse, this.#onDiagonal(block)));
    this.#factors = new Array(this.count).fill(undefined);
  }

  place(block: number): InputBlock {
    const first = block * this.#width;
    return { first, width: Math.min(this.#width, this.#features - first) };
  }

  /**
   * The block that costs least, `tr(W_b ([H⁻¹]_bb)⁻¹ W_bᵀ)`; the lower of equals.
   *
   * @param weights f64, row-major `[features, rows]`: transposed
   * @param free blocks that cost nothing, whatever the weights are
   */
  cheapest(weights: Float64Array, free: readonly boolean[]): number {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let block = 0; block < this.count; block++) {
      if (this.#diagonal[block] === undefined) continue;
      const cost = free[block] ? -1 : this.#cost(block, weights, least);
      if (best >= 0 && !(cost < least)) continue;
      best = block;
      least = cost;
    }
    return best;
  }

  /** Removes a block. */
  async remove(block: number): Promise<Removal> {
    const features = this.#features;
    const { first, width } = this.place(block);
    const factor = this.#factor(block);
    const panel = readBlock(this.#inverse, { stride: features, row: first, column: 0, rows: width, columns: features });
    if (this.#removed > 0) {
      const before = this.#removals.subarray(0, this.#removed * features);
      const own = readBlock(before, { stride: features, row: 0, column: first, rows: this.#removed, columns: width });
      const shape = { m: width, n: features, k: this.#removed, transA: true };
      const update = await this.#products.multiply(own, before, shape);
      for (let at = 0; at < panel.length; at++) panel[at]! -= update[at]!;
    }
    const row = await this.#products.multiply(factor, panel, { m: width, n: features, k: width });
    this.#removals.set(row, this.#removed * features);
    this.#removed += width;
    this.#diagonal[block] = undefined;
    for (let other = 0; other < this.count; other++) this.#downdate(other, row, width);
    return { row, factor };
  }

  #onDiagonal(block: number) {
    const { first, width } = this.place(block);
    return { stride: this.#features, row: first, column: first, rows: width, columns: width };
  }

  #downdate(block: number, row: Float64Array, height: number): void {
    const diagonal = this.#diagonal[block];
    if (diagonal === undefined) return;
    const { first, width } = this.place(block);
    const part = readBlock(row, { stride: this.#features, row: 0, column: first, rows: height, columns: width });
    const update = new Float64Array(width * width);
    for (let k = 0; k < height; k++) {
      for (let i = 0; i < width; i++) {
        const value = part[k * width + i]!;
        // Of the diagonal blocks only the lower triangle is read.
        for (let j = 0; j <= i; j++) update[i * width + j]! += value * part[k * width + j]!;
      }
    }
    subtractBlock(diagonal, { stride: width, row: 0, column: 0, rows: width, columns: width }, update);
    this.#factors[block] = undefined;
  }

  #factor(block: number): Float64Array {
    const known = this.#factors[block];
    if (known !== undefined) return known;
    const { width } = this.place(block);
    const factor = this.#diagonal[block]!.slice();
    for (let row = 0; row < width; row++) factor.fill(0, row * width + row + 1, (row + 1) * width);
    const diagonal = Float64Array.from({ length: width }, (_, i) => factor[i * width + i]!);
    // Of a positive definite matrix every such block is one too; where rounding ate that, the block is free to go.
    if (!invertTriangle(factor, width, 0, width, diagonal)) factor.fill(0);
    this.#factors[block] = factor;
    return factor;
  }

  /** The sum of squares of `F · W_bᵀ`, added up row by row of F; given up once it is no longer below `least`. */
  #cost(block: number, weights: Float64Array, least: number): number {
    const { first, width } = this.place(block);
    const factor = this.#factor(block);
    const rows = weights.length / this.#features;
    const scaled = new Float64Array(rows);
    let cost = 0;
    for (let i = 0; i < width && cost < least; i++) {
      scaled.fill(0);
      for (let j = 0; j <= i; j++) {
        const scale = factor[i * width + j]!;
        const start = (first + j) * rows;
        for (let row = 0; row < rows; row++) scaled[row]! += scale * weights[start + row]!;
      }
      for (let row = 0; row < rows; row++) cost += scaled[row]! ** 2;
    }
    return cost;
  }
}
