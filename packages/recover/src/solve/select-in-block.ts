import { type Axis, type Mask, type Pattern, unstructured, type WeightView } from "@espalier/core";

/** A block of importance as a weight, so that core's patterns can choose in it. */
function viewOf(outputs: number, inFeatures: number, inAxes: readonly Axis[], importance: Float32Array): WeightView {
  return {
    name: "block",
    outChannels: outputs,
    inFeatures,
    groups: 1,
    axes: [{ role: "out", size: outputs, step: 1 }, ...inAxes],
    read: () => importance,
  };
}

/**
 * Chooses in a block as a pattern does in a whole weight.
 *
 * @param importance f32, row-major `[outputs, width]`, finite and ≥ 0
 * @param inAxes what the columns are
 * @returns 1 where an entry goes
 */
export function selectByPattern(
  pattern: Pattern,
  outputs: number,
  inAxes: readonly Axis[],
  importance: Float32Array,
): Uint8Array {
  const view = viewOf(outputs, importance.length / outputs, inAxes, importance);
  return prunedFlags(pattern.select([view], () => importance)[0]!.mask);
}

/** Chooses the `count` entries of least importance, lower index first among equals. */
export function selectCount(importance: Float32Array, count: number): Uint8Array {
  if (count === 0 || count === importance.length) return new Uint8Array(importance.length).fill(count === 0 ? 0 : 1);
  return selectByPattern(unstructured(count / importance.length), 1, [featureAxis(importance.length)], importance);
}

/**
 * Chooses in every row the `counts[row]` entries of least importance. Rows that lose the same number are chosen in together.
 *
 * @param importance f32, row-major `[counts.length, width]`
 */
export function selectCounts(importance: Float32Array, counts: readonly number[]): Uint8Array {
  const width = importance.length / counts.length;
  const pruned = new Uint8Array(importance.length);
  for (const count of new Set(counts)) {
    const rows = counts.flatMap((own, row) => (own === count ? [row] : []));
    const part = new Float32Array(rows.length * width);
    for (const [at, row] of rows.entries()) part.set(importance.subarray(row * width, (row + 1) * width), at * width);
    const flags = selectInRows(part, rows.length, count);
    for (const [at, row] of rows.entries()) pruned.set(flags.subarray(at * width, (at + 1) * width), row * width);
  }
  return pruned;
}

function selectInRows(importance: Float32Array, rows: number, count: number): Uint8Array {
  const width = importance.length / rows;
  if (count === 0 || count === width) return selectCount(importance, count === 0 ? 0 : importance.length);
  // Read back by `prunedCount`, the quotient is exactly `count` again: it rounds to the nearest.
  const pattern = unstructured(count / width, { group: "row" });
  return selectByPattern(pattern, rows, [featureAxis(width)], importance);
}

function featureAxis(size: number): Axis {
  return { role: "in", size, step: 1 };
}

function prunedFlags(mask: Mask): Uint8Array {
  const flags = new Uint8Array(mask.length);
  for (let index = 0; index < flags.length; index++) flags[index] = 1 - ((mask.bits[index >> 3]! >> (index & 7)) & 1);
  return flags;
}
