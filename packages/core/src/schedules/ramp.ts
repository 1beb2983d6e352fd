import { CoreError } from "../errors.js";
import { requireSparsity } from "../require-sparsity.js";
import { requireNumber, requireStep } from "./require-step.js";
import type { Schedule } from "./schedule.js";

/** Options of the schedules that climb from one sparsity to another. */
export interface RampOptions {
  /** First step that prunes; up to it the sparsity is `initial`. */
  readonly start: number;
  /** Last step that prunes; from it on the sparsity is `final`. At least `start`. */
  readonly end: number;
  /** Fraction of zeros to begin with, in [0, final]. @default 0 */
  readonly initial?: number;
  /** Fraction of zeros to arrive at, in [0, 1). */
  readonly final: number;
  /** Steps from one pruning to the next, counted from `start`. @default 1 */
  readonly frequency?: number;
}

/**
 * A schedule that climbs along a curve.
 *
 * @param remaining what is left of the climb, from 1 at `start` to 0 at `end`, for the fraction of the span done in (0, 1);
 *   not increasing
 */
export function ramp(options: RampOptions, remaining: (done: number) => number): Schedule {
  const { start, end, initial = 0, final, frequency = 1 } = options;
  requireRamp({ start, end, initial, final, frequency });
  return {
    start,
    end,
    finalSparsity: final,
    sparsityAt(step) {
      requireNumber(step);
      // The ends are returned as given: the formula would miss them by a rounding error, or divide by an empty span.
      if (step >= end) return final;
      if (step <= start) return initial;
      return final + (initial - final) * remaining((step - start) / (end - start));
    },
    // The end is a pruning step of its own: `frequency` need not divide the span.
    isPruningStep: (step) => step === end || (step >= start && step < end && (step - start) % frequency === 0),
  };
}

function requireRamp({ start, end, initial, final, frequency }: Required<RampOptions>): void {
  requireStep(start, "start");
  requireStep(end, "end");
  requireStep(frequency, "frequency", 1);
  requireSparsity(initial);
  requireSparsity(final);
  if (end < start) {
    throw new CoreError("invalid-schedule", `the schedule ends at step ${end} before it starts at step ${start}`);
  }
  if (final < initial) {
    throw new CoreError(
      "invalid-schedule",
      `the schedule's final sparsity ${final} is below its initial ${initial}: pruned entries do not grow back`,
    );
  }
}
