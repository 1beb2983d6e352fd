import type { MatrixProducts } from "../blas/matrix-products.js";
import { readBlock, subtractBlock, writeBlock } from "../linear-algebra/matrix-block.js";

/** A weight whose columns are to be visited from left to right. */
export interface Elimination {
  readonly outputs: number;
  readonly features: number;
  /** W, f64, row-major `[outputs, features]`: where to start from. Not changed. */
  readonly start: Float64Array;
  /** U with `H⁻¹ = Uᵀ U`, upper triangular, f64, row-major `[features, features]`. */
  readonly factor: Float64Array;
  /** 1 where a weight was pruned before, row-major `[outputs, features]`: it goes whatever is chosen. */
  readonly frozen: Uint8Array;
  /** Columns that are chosen together. */
  readonly choice: number;
  /**
   * Chooses what goes of some columns.
   *
   * @param first the first of the columns
   * @param width how many they are
   * @param importance `|w| / U[j, j]`, the square root of what removing the weight costs; f32, row-major
   *   `[outputs, width]`, 0 where frozen
   * @returns 1 where a weight goes, row-major `[outputs, width]`
   */
  choose(first: number, width: number, importance: Float32Array): Uint8Array;
}

/** What was chosen, and what became of the weights. */
export interface Eliminated {
  /** 1 where `choose` said that a weight goes, row-major `[outputs, features]`. */
  readonly pruned: Uint8Array;
  /** f64, row-major `[outputs, features]`. */
  readonly values: Float64Array;
}

/** Columns whose updates of those behind them are gathered into one product, at least. */
const BLOCK = 128;

/**
 * SparseGPT: columns from left to right; each weight that goes is made up for by the columns behind it. Those of the same
 * block of 128 follow at once, the others by one product per block.
 *
 * @see Frantar and Alistarh 2023, arXiv:2301.00774, algorithm 1
 */
export async function eliminateColumns(task: Elimination, products: MatrixProducts): Promise<Eliminated> {
  const { outputs, features, factor, start, choice } = task;
  const values = start.slice();
  const pruned = new Uint8Array(values.length);
  const block = Math.max(1, Math.floor(BLOCK / choice)) * choice;
  for (let first = 0; first < features; first += block) {
    const width = Math.min(block, features - first);
    const place = { stride: features, row: 0, column: first, rows: outputs, columns: width };
    const columns = readBlock(values, place);
    const errors = eliminateBlock(task, first, width, columns, pruned);
    writeBlock(values, place, columns);
    const behind = features - first - width;
    if (behind === 0) break;
    const right = { stride: features, row: first, column: first + width, rows: width, columns: behind };
    const update = await products.multiply(errors, readBlock(factor, right), { m: outputs, n: behind, k: width });
    subtractBlock(values, { ...place, column: first + width, columns: behind }, update);
  }
  return { pruned, values };
}

/** Eliminates in a block; returns `w / U[j, j]` of what went, row-major `[outputs, width]`, 0 elsewhere. */
function eliminateBlock(
  task: Elimination,
  first: number,
  width: number,
  columns: Float64Array,
  pruned: Uint8Array,
): Float64Array {
  const { outputs, features, choice } = task;
  const errors = new Float64Array(columns.length);
  for (let at = 0; at < width; at += choice) {
    const count = Math.min(choice, width - at);
    const chosen = task.choose(first + at, count, importanceOf(task, first, width, columns, at, count));
    for (let row = 0; row < outputs; row++) {
      const target = row * features + first + at;
      for (let column = 0; column < count; column++) pruned[target + column] = chosen[row * count + column]!;
    }
    eliminateChosen(task, first, width, columns, errors, { at, count, chosen });
  }
  return errors;
}

/** Columns `at` to `at + count` of a block. */
interface ChosenColumns {
  readonly at: number;
  readonly count: number;
  /** 1 where a weight goes, row-major `[outputs, count]`. */
  readonly chosen: Uint8Array;
}

function eliminateChosen(
  { outputs, features, factor, frozen }: Elimination,
  first: number,
  width: number,
  columns: Float64Array,
  errors: Float64Array,
  { at, count, chosen }: ChosenColumns,
): void {
  for (let row = 0; row < outputs; row++) {
    const start = row * width;
    for (let column = at; column < at + count; column++) {
      const isFrozen = frozen[row * features + first + column] === 1;
      if (chosen[row * count + column - at] === 0 && !isFrozen) continue;
      const diagonal = (first + column) * features + first;
      const error = columns[start + column]! / factor[diagonal + column]!;
      for (let other = column + 1; other < width; other++) columns[start + other]! -= error * factor[diagonal + other]!;
      columns[start + column] = 0;
      errors[start + column] = error;
    }
  }
}

function importanceOf(
  { outputs, features, factor, frozen }: Elimination,
  first: number,
  width: number,
  columns: Float64Array,
  at: number,
  count: number,
): Float32Array {
  const importance = new Float32Array(outputs * count);
  for (let row = 0; row < outputs; row++) {
    for (let column = 0; column < count; column++) {
      const feature = first + at + column;
      if (frozen[row * features + feature] === 1) continue;
      const weight = columns[row * width + at + column]!;
      importance[row * count + column] = Math.abs(weight) / factor[feature * features + feature]!;
    }
  }
  return importance;
}
