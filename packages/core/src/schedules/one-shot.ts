import { requireSparsity } from "../require-sparsity.js";
import { requireNumber, requireStep } from "./require-step.js";
import type { Schedule } from "./schedule.js";

/** Options of {@link oneShot}. */
export interface OneShotOptions {
  /** The step that prunes. @default 0 */
  readonly step?: number;
  /** Fraction of zeros from that step on, in [0, 1). */
  readonly sparsity: number;
}

/**
 * Everything at once: sparsity 0 before the step, the target from it on.
 *
 * @throws {CoreError} `invalid-schedule` when the step is no integer from 0; `invalid-sparsity`
 */
export function oneShot({ step: only = 0, sparsity }: OneShotOptions): Schedule {
  requireStep(only, "step");
  requireSparsity(sparsity);
  return {
    start: only,
    end: only,
    finalSparsity: sparsity,
    sparsityAt(step) {
      requireNumber(step);
      return step < only ? 0 : sparsity;
    },
    isPruningStep: (step) => step === only,
  };
}
