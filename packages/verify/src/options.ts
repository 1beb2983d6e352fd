import type { Pattern, Statistics } from "@espalier/core";
import type { Model } from "@espalier/onnx";
import type { Backend, Sample } from "@espalier/runtime";
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
  /** Where models run. @default the runtime's own default */
  readonly backend?: Backend;
  /** What the criterion saw, so that pruning can be repeated. @default none: criteria that need them are not repeated */
  readonly statistics?: Statistics;
  /** Whether to measure sizes after gzip too. @default false */
  readonly gzip?: boolean;
  /** How often to time each model; 0 measures nothing. @default 0 */
  readonly latencyRuns?: number;
  /** Called before each check. @default nothing */
  readonly onProgress?: (progress: VerifyProgress) => void;
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
export function requireValidOptions({ minSparsity, maxOutputError, latencyRuns }: VerifyOptions): void {
  if (minSparsity !== undefined && !(minSparsity >= 0 && minSparsity < 1)) {
    throw invalid("minSparsity", minSparsity, "a fraction of zeros in [0, 1), such as 0.5");
  }
  if (maxOutputError !== undefined && !(maxOutputError >= 0)) {
    throw invalid("maxOutputError", maxOutputError, "a relative distance of at least 0, such as 0.05");
  }
  if (latencyRuns !== undefined && !(Number.isSafeInteger(latencyRuns) && latencyRuns >= 0)) {
    throw invalid("latencyRuns", latencyRuns, "a whole number of at least 0");
  }
}

function invalid(option: string, found: number, expected: string): VerifyError {
  return new VerifyError("invalid-option", `${option} is ${found}, expected ${expected}`);
}
