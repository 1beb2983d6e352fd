import type { Score } from "./sweep-result.js";

/**
 * Mean and standard error `s / √n` of scores, `s` with n − 1 in its denominator; 0 for a single one.
 *
 * @param scores at least one
 */
export function scoreOf(scores: readonly number[]): Score {
  const count = scores.length;
  const mean = scores.reduce((sum, score) => sum + score, 0) / count;
  if (count === 1) return { mean, standardError: 0 };
  const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (count - 1) / count) };
}
