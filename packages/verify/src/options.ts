import type { Pattern, Statistics } from "@espalier/core";
import type { Model } from "@espalier/onnx";
import type { Backend, Sample } from "@espalier/runtime";
import type { AccuracyOptions } from "./accuracy/accuracy-options.js";
import { backendsOf } from "./backends.js";
import type { Certificate } from "./certificate/certificate.js";
import { LEAST_TURNS } from "./measure-latency.js";
import { VerifyError } from "./verify-error.js";

/** What to judge, by what limits, and on which samples. */
export interface VerifyOptions {
  /** The model before pruning. */
  readonly original: Model;
  /** The model after it, from whatever pruner. */
  readonly pruned: Model;
  /**
   * Path or `.onnx` bytes of the original, for running it. A path keeps large models out of this process's memory.
   * @default the bytes that `original` encodes to
   */
  readonly originalSource?: string | Uint8Array;
  /** The same for the pruned model. @default the bytes that `pruned` encodes to */
  readonly prunedSource?: string | Uint8Array;
  /** The pattern that pruned weights must have. @default each weight's own, from the pruning record */
  readonly pattern?: Pattern;
  /** Least fraction of zeros in the pruned weights, in [0, 1). @default none: sparsity is measured, not judged */
  readonly minSparsity?: number;
  /**
   * Which prunable weights must have the pattern and the sparsity.
   * @default those whose bytes differ from the original's or that the pruning record names
   */
  readonly weights?: (name: string) => boolean;
  /** Feeds to run both models on; read once. @default a few random ones, the same every time */
  readonly samples?: Iterable<Sample> | AsyncIterable<Sample>;
  /** Largest relative L2 distance of any output, ≥ 0. @default none: distances are measured, not judged */
  readonly maxOutputError?: number;
  /** How right answers are; needs samples. @default not measured */
  readonly accuracy?: AccuracyOptions;
  /**
   * Largest drop of the mean score from the original to the pruned model, ≥ 0, in the unit of the metric: 0.01 is one point of
   * top-1 accuracy. @default none: the drop is measured, not judged
   */
  readonly maxAccuracyDrop?: number;
  /**
   * Whether the drop's interval must be within the limit and not the drop alone, so that few samples cannot pass by luck.
   * @default false
   */
  readonly confident?: boolean;
  /** What was certified about the pruned model before, to be checked again. @default none */
  readonly certificate?: Certificate;
  /** Most bytes of the pruned model, external data included. @default none */
  readonly maxBytes?: number;
  /**
   * Least ratio of the original's median time to the pruned model's, above 0; judged by the lower end of its interval, so that
   * it takes more than luck. @default none
   */
  readonly minSpeedup?: number;
  /**
   * Where models run. With several, all is measured on the first one, `loads` opens the models in each, and the check `backends`
   * compares what the pruned model puts out on the others. @default node
   */
  readonly backend?: Backend | readonly Backend[];
  /**
   * With several backends: largest relative L2 distance of any output from the first backend's, ≥ 0.
   * @default 0.001: more than rounding does
   */
  readonly maxBackendDifference?: number;
  /** What the criterion saw, so that pruning can be repeated. @default none: criteria that need them are not repeated */
  readonly statistics?: Statistics;
  /** What pruned the model, so that the whole of it can be repeated. @default none: only the masks are */
  readonly prune?: PrunerUnderTest;
  /** Whether to measure sizes after gzip too. @default false */
  readonly gzip?: boolean;
  /** Whether to measure sizes after gzip and after brotli: a second for 10 MB. @default false */
  readonly compressed?: boolean;
  /** How often to time each model, in turns; 0 measures nothing. @default 0, or 30 with `minSpeedup` */
  readonly latencyRuns?: number;
  /**
   * In how many fresh processes to load each model, in turns, to see how long that takes and how much memory; 0 measures
   * nothing. Models that are not given by path are written to a temporary folder for it. @default 0
   */
  readonly loads?: number;
  /** Called before each check. @default nothing */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** A pruner with its options, for the check `repeatable`. */
export interface PrunerUnderTest {
  /** Prunes a model as the pruned one was, with so many workers. */
  readonly again: (model: Model, workers: number) => Promise<Model>;
  /** How many workers to try besides one, at least 2. */
  readonly workers: number;
  /** Whether pruning a pruned model is to change nothing; compensation moves on. */
  readonly onceMore: boolean;
}

/** The check that starts now. */
export interface VerifyProgress {
  readonly check: string;
  /** How many checks are finished. */
  readonly done: number;
  readonly total: number;
}

/**
 * Refuses limits that cannot be limits.
 *
 * @throws {VerifyError} `invalid-option`
 */
export function requireValidOptions(options: VerifyOptions): void {
  const { minSparsity, maxOutputError } = options;
  if (minSparsity !== undefined && !(minSparsity >= 0 && minSparsity < 1)) {
    throw invalid("minSparsity", minSparsity, "a fraction of zeros in [0, 1), such as 0.5");
  }
  if (maxOutputError !== undefined && !(maxOutputError >= 0)) {
    throw invalid("maxOutputError", maxOutputError, "a relative distance of at least 0, such as 0.05");
  }
  for (const name of ["latencyRuns", "loads"] as const) {
    const count = options[name] ?? 0;
    if (!Number.isSafeInteger(count) || count < 0) throw invalid(name, count, "a whole number of at least 0");
  }
  requireValidBackends(options);
  requireValidAccuracy(options);
  requireValidCosts(options);
}

function requireValidBackends({ backend, maxBackendDifference: limit }: VerifyOptions): void {
  const several = backendsOf(backend).length > 1;
  if (limit === undefined) return;
  if (!several) throw new VerifyError("invalid-option", "maxBackendDifference compares backends: give several");
  if (!(limit >= 0)) throw invalid("maxBackendDifference", limit, "a relative distance of at least 0, such as 0.001");
}

function requireValidCosts({ maxBytes, minSpeedup, latencyRuns }: VerifyOptions): void {
  if (maxBytes !== undefined && !(maxBytes >= 0)) throw invalid("maxBytes", maxBytes, "a number of at least 0");
  if (minSpeedup === undefined) return;
  if (!(minSpeedup > 0 && minSpeedup < Number.POSITIVE_INFINITY)) {
    throw invalid("minSpeedup", minSpeedup, "a ratio above 0, such as 1.2");
  }
  if (latencyRuns === undefined || latencyRuns >= LEAST_TURNS) return;
  throw invalid("latencyRuns", latencyRuns, `at least ${LEAST_TURNS} for minSpeedup: fewer say nothing about chance`);
}

function requireValidAccuracy({ accuracy, maxAccuracyDrop, confident, samples }: VerifyOptions): void {
  if (maxAccuracyDrop !== undefined && !(maxAccuracyDrop >= 0)) {
    throw invalid("maxAccuracyDrop", maxAccuracyDrop, "a drop of at least 0, such as 0.01");
  }
  if (maxAccuracyDrop !== undefined && accuracy === undefined) {
    throw new VerifyError("invalid-option", "maxAccuracyDrop needs accuracy: give labels or a metric");
  }
  if (confident && maxAccuracyDrop === undefined) {
    throw new VerifyError("invalid-option", "confident judges a drop: give maxAccuracyDrop");
  }
  if (accuracy !== undefined && samples === undefined) {
    throw new VerifyError("invalid-option", "accuracy needs samples: made-up feeds have no right answers");
  }
  if (accuracy === undefined || "metric" in accuracy) return;
  if (accuracy.top === undefined || (Number.isSafeInteger(accuracy.top) && accuracy.top >= 1)) return;
  throw invalid("accuracy.top", accuracy.top, "a whole number of at least 1");
}

function invalid(option: string, found: number, expected: string): VerifyError {
  return new VerifyError("invalid-option", `${option} is ${found}, expected ${expected}`);
}
