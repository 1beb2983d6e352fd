/**
 * `‖W − W′‖ / ‖W‖` over all entries: how far the values of a weight moved.
 *
 * @returns 1 for a weight that was all zeros and got values: a relative distance has no number there, and files know no Infinity
 */
export function weightError(before: ArrayLike<number>, after: ArrayLike<number>): number {
  let moved = 0;
  let whole = 0;
  for (let index = 0; index < before.length; index++) {
    moved += (after[index]! - before[index]!) ** 2;
    whole += before[index]! ** 2;
  }
  if (moved === 0) return 0;
  return whole === 0 ? 1 : Math.sqrt(moved / whole);
}
