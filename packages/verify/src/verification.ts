import type { Check } from "./check.js";

/** The verdict on a pruned model: plain data that can be printed, stored or compared. */
export interface Verification {
  /** `failed` when at least one check failed. */
  readonly status: "passed" | "failed";
  /** In a fixed order. */
  readonly checks: readonly Check[];
  /** Size of each model, external data included, as it would be written. */
  readonly bytes: ByModel<number>;
  /** The same after gzip (level 6, each file on its own); present when asked for. */
  readonly gzipBytes?: ByModel<number>;
  /** Present when asked for and both models run. */
  readonly latency?: Latency;
}

/** One value for each of the two models. */
export interface ByModel<T> {
  readonly original: T;
  readonly pruned: T;
}

/** Time of one run of each model on the first sample, one thread; measured on whatever else the machine was doing. */
export interface Latency extends ByModel<LatencySummary> {
  /** How often each model was run, after one run to warm up, both in turns. */
  readonly runs: number;
}

/** Milliseconds. */
export interface LatencySummary {
  readonly median: number;
  /** The fastest and the slowest run. */
  readonly min: number;
  readonly max: number;
}
