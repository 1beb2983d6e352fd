import { random } from "@espalier/testkit";

/** The inverse of a square row-major matrix by Gauss-Jordan elimination with pivots from the column. */
export function inverse(matrix: ArrayLike<number>): Float64Array {
  const n = Math.sqrt(matrix.length);
  const rows = Array.from({ length: n }, (_, i) =>
    Array.from({ length: 2 * n }, (_, j) => (j < n ? matrix[i * n + j]! : j - n === i ? 1 : 0)),
  );
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column; row < n; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const scale = rows[column]![column]!;
    rows[column] = rows[column]!.map((value) => value / scale);
    for (let row = 0; row < n; row++) {
      const factor = rows[row]![column]!;
      if (row !== column && factor !== 0) rows[row] = rows[row]!.map((value, j) => value - factor * rows[column]![j]!);
    }
  }
  return Float64Array.from(rows.flatMap((row) => row.slice(n)));
}

/** The rows and columns of a square matrix that are named. */
export function submatrix(matrix: ArrayLike<number>, indices: readonly number[]): Float64Array {
  const n = Math.sqrt(matrix.length);
  return Float64Array.from(indices.flatMap((i) => indices.map((j) => matrix[i * n + j]!)));
}

/** Minimiser of `w H wᵀ − 2 w·r` over the kept entries, by the explicit normal equations. */
export function leastSquaresRow(h: ArrayLike<number>, linear: ArrayLike<number>, kept: readonly number[]): number[] {
  const solved = inverse(submatrix(h, kept));
  const row = new Array<number>(Math.sqrt(h.length)).fill(0);
  for (const [a, feature] of kept.entries()) {
    row[feature] = kept.reduce((sum, other, b) => sum + solved[a * kept.length + b]! * linear[other]!, 0);
  }
  return row;
}

/**
 * SparseGPT with the inverse of what is left computed anew at every column.
 *
 * @param choose the kept flags of columns from `first` on, asked when elimination reaches them; cost = w² / [H⁻¹]ⱼⱼ of the
 *   columns from j on
 */
export function sparseGpt(
  h: ArrayLike<number>,
  weights: readonly (readonly number[])[],
  choice: number,
  choose: (costs: readonly (readonly number[])[]) => boolean[][],
): { pruned: boolean[][]; values: number[][] } {
  const n = weights[0]!.length;
  const values = weights.map((row) => [...row]);
  const pruned = weights.map(() => new Array<boolean>(n).fill(false));
  const from = (first: number) => Array.from({ length: n - first }, (_, i) => first + i);
  const inverses = from(0).map((column) => inverse(submatrix(h, from(column))));
  for (let first = 0; first < n; first += choice) {
    const columns = from(first).slice(0, choice);
    const chosen = choose(values.map((row) => columns.map((j) => row[j]! ** 2 / inverses[j]![0]!)));
    for (const [r, row] of values.entries()) {
      for (const [at, j] of columns.entries()) {
        if (!chosen[r]![at]) continue;
        pruned[r]![j] = true;
        const left = inverses[j]!;
        const error = row[j]! / left[0]!;
        for (let k = j; k < n; k++) row[k]! -= error * left[k - j]!;
        row[j] = 0;
      }
    }
  }
  return { pruned, values };
}

/** The indices of the `count` smallest numbers, lower index first among equals. */
export function smallest(numbers: readonly number[], count: number): Set<number> {
  return new Set([...numbers.keys()].sort((a, b) => numbers[a]! - numbers[b]! || a - b).slice(0, count));
}

/** Moments of correlated inputs, with the numbers themselves; the dense model's inputs differ by `noise`. */
export function inputsOf(seed: number, features: number, positions: number, noise = 0) {
  const numbers = random(seed);
  const uniform = (count: number) => Float64Array.from(numbers.float32(count));
  const source = uniform(positions * features);
  const mix = uniform(features * features);
  const difference = uniform(positions * features);
  const x = Array.from({ length: positions }, (_, p) =>
    Array.from({ length: features }, (_, f) => {
      let sum = 0.3 + source[p * features + f]!;
      for (let g = 0; g < features; g++)
        sum += (source[p * features + g]! * mix[g * features + f]!) / Math.sqrt(features);
      return sum;
    }),
  );
  const d = x.map((row, p) => row.map((value, f) => value + noise * difference[p * features + f]!));
  return { x, d, moments: momentsOf(x, noise === 0 ? x : d) };
}

/** Sums over positions in plain loops. */
export function momentsOf(x: readonly (readonly number[])[], d: readonly (readonly number[])[] = x) {
  const n = x[0]!.length;
  const products = (a: typeof x, b: typeof x) => {
    const sums = new Float64Array(n * n);
    for (const [p, row] of a.entries()) {
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) sums[i * n + j]! += row[i]! * b[p]![j]!;
    }
    return sums;
  };
  const sum = (a: typeof x) => Float64Array.from({ length: n }, (_, i) => a.reduce((all, row) => all + row[i]!, 0));
  return {
    count: x.length,
    gram: products(x, x),
    ...(d !== x && { cross: products(x, d) }),
    sum: sum(x),
    denseSum: sum(d),
  };
}
