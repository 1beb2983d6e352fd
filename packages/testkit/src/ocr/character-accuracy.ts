import type { Proportion } from "../proportion.js";

/**
 * The least number of characters (UTF-16 units) to insert, delete or replace to make one text of the other.
 *
 * @see Wagner & Fischer 1974
 */
export function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = above[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, above[column]! + 1, current[column - 1]! + 1));
    }
    above = current;
  }
  return above[b.length]!;
}

/**
 * Character accuracy, `1 − Σ edit distance / Σ length of what should be there`, and 0 where that is negative (a broken model
 * may say more than was written).
 *
 * The standard error is that of a ratio over lines, because errors come in lines and not one by one:
 * `sqrt(n / (n − 1) · Σ (dᵢ − r·lᵢ)²) / Σ lᵢ` with `r = Σ d / Σ l`; 0 for a single line.
 *
 * @throws {RangeError} without lines, without characters or when the lists are of different lengths
 * @see Cochran 1977, Sampling Techniques, eq. 6.13
 */
export function characterAccuracy(expected: readonly string[], found: readonly string[]): Proportion {
  const count = expected.length;
  const lengths = expected.map((text) => text.length);
  const total = sum(lengths);
  if (total === 0 || count !== found.length) {
    throw new RangeError(`characterAccuracy: ${found.length} texts for ${count} lines of ${total} characters`);
  }
  const distances = expected.map((text, line) => editDistance(text, found[line]!));
  const ratio = sum(distances) / total;
  const squares = sum(distances.map((distance, line) => (distance - ratio * lengths[line]!) ** 2));
  const standardError = Math.sqrt((count / Math.max(1, count - 1)) * squares) / total;
  return { value: Math.max(0, 1 - ratio), standardError };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
