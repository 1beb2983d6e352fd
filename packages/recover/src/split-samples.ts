import type { Sample } from "@espalier/runtime";
import { RecoverError } from "./recover-error.js";

/** Samples to fit to, and samples to judge by. */
export interface Split {
  readonly fitted: readonly Sample[];
  readonly judged: readonly Sample[];
}

/** One in so many judges. */
const ONE_IN = 8;
const MOST_JUDGED = 64;

/**
 * Holds back samples, evenly spread, at most 64; of fewer than eight all do both.
 *
 * @throws {RecoverError} `no-samples` when there are none
 */
export function splitSamples(samples: readonly Sample[]): Split {
  if (samples.length === 0) {
    throw new RecoverError("no-samples", "there are no samples to recover with: give at least one");
  }
  if (samples.length < ONE_IN) return { fitted: samples, judged: samples };
  const count = Math.min(Math.floor(samples.length / ONE_IN), MOST_JUDGED);
  const held = new Set(
    Array.from({ length: count }, (_, index) => Math.floor(((index + 0.5) * samples.length) / count)),
  );
  return {
    fitted: samples.filter((_, index) => !held.has(index)),
    judged: samples.filter((_, index) => held.has(index)),
  };
}
