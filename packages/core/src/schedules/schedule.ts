/**
 * How sparsity grows over the steps of a training loop. To add one: a file in this folder, a line in
 * `schedule.contract.test.ts`, and its export.
 */
export interface Schedule {
  /** First step that prunes. */
  readonly start: number;
  /** Last step that prunes; it always does, and to `finalSparsity`. */
  readonly end: number;
  /** The target, a fraction in [0, 1). */
  readonly finalSparsity: number;
  /**
   * The sparsity at a step, a fraction in [0, 1): never less than at an earlier step; the initial one up to `start`
   * (0 before a one-shot), the final one from `end` on.
   *
   * @throws {CoreError} `invalid-argument` when the step is NaN
   */
  sparsityAt(step: number): number;
  /** Whether masks are to be computed anew at a step. */
  isPruningStep(step: number): boolean;
}
