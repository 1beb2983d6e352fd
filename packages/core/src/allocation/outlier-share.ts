import { CoreError } from "../errors.js";

/**
 * The share of outliers of a weight, its "layerwise outlier distribution": the fraction of entries whose score is above
 * `factor` times the mean of all. The paper's scores are those of the criterion `wanda`.
 *
 * @param scores importance, ≥ 0, of at least one entry
 * @param factor M, above 0; 5 and 7 in the paper. @default 5
 * @returns a fraction in [0, 1); 0 where all scores are 0
 * @throws {CoreError} `invalid-argument` without scores or on a factor that is none; `not-finite` on NaN or ±Infinity
 * @see Yin et al. 2023, arXiv:2310.05175, section 3.2
 */
export function outlierShare(scores: Float32Array, factor = 5): number {
  if (scores.length === 0) throw new CoreError("invalid-argument", "there is not one score to find outliers among");
  if (!(factor > 0 && factor < Number.POSITIVE_INFINITY)) {
    throw new CoreError("invalid-argument", `outliers are ${factor} times the mean, expected a number above 0`);
  }
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  if (!Number.isFinite(mean)) {
    throw new CoreError("not-finite", `the mean of the scores is ${mean}, expected finite numbers`);
  }
  let outliers = 0;
  for (const score of scores) if (score > factor * mean) outliers++;
  return outliers / scores.length;
}
