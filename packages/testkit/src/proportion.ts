/** A measured share and how far chance moves it. */
export interface Proportion {
  /** Fraction in [0, 1]. */
  readonly value: number;
  /** Standard error of `value`, a fraction too: `sqrt(value · (1 − value) / n)`; 0 when all or none are true. */
  readonly standardError: number;
}

/**
 * The share of true entries, for example of correct answers, with its binomial standard error.
 *
 * @throws {RangeError} when the list is empty
 */
export function proportion(correct: readonly boolean[]): Proportion {
  if (correct.length === 0) throw new RangeError("proportion: no outcomes given, at least one is needed");
  const value = correct.filter(Boolean).length / correct.length;
  return { value, standardError: Math.sqrt((value * (1 - value)) / correct.length) };
}
