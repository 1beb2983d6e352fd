import type { Backend, Loading, Spread } from "@espalier/runtime";
import type { Interval } from "./accuracy/bootstrap.js";
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
  /** The same after brotli (quality 5); present when asked for. */
  readonly brotliBytes?: ByModel<number>;
  /** On the first backend. Present when asked for and both models run. */
  readonly latency?: Latency;
  /** The same on the other backends. Present when asked for, where there are others and both models run. */
  readonly otherLatencies?: readonly BackendLatency[];
  /** What loading each model takes in a fresh process, or why that could not be found out; present when asked for. */
  readonly loading?: ByModel<Loading> | { readonly problem: string };
}

/** One value for each of the two models. */
export interface ByModel<T> {
  readonly original: T;
  readonly pruned: T;
}

/** Milliseconds of one run of each model on the first sample, one thread; measured on whatever else the machine was doing. */
export interface Latency extends ByModel<Spread> {
  /** How often each model was run, after one run to warm up, both in turns. */
  readonly runs: number;
  readonly speedup: Speedup;
}

/** Times on one backend. In a browser the hand-over of feeds and outputs counts. */
export interface BackendLatency extends Latency {
  readonly backend: Backend;
}

/** How much faster the pruned model is. */
export interface Speedup {
  /** Median time of the original over that of the pruned model: above 1 where the pruned model is faster. */
  readonly ratio: number;
  /** Bootstrap percentile interval of that, 95 %, over the turns in which both models ran. */
  readonly interval: Interval;
  /** What the interval allows to say: `undecided` when it holds 1, or there were fewer than 10 turns. */
  readonly verdict: "faster" | "slower" | "undecided";
}
