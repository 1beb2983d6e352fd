/**
 * Marks the `count` smallest scores with 1 in `pruned` (all 0 before), lower index first among equals. The kernels select
 * in f32; sums of many entries need f64, or close blocks would tie.
 */
export function pruneSmallestScores(scores: Float64Array, count: number, pruned: Uint8Array): void {
  if (count === 0) return;
  const threshold = scores.toSorted()[count - 1]!;
  let ties = count;
  for (const score of scores) if (score < threshold) ties--;
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]!;
    if (score < threshold || (score === threshold && ties-- > 0)) pruned[index] = 1;
  }
}
