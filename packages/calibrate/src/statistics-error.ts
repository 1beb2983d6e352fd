/**
 * What is wrong.
 *
 * A statistics file: `not-statistics` it is something else · `unsupported-version` written by another version of Espalier ·
 * `malformed` cut off, damaged, or not what the format says · `not-finite` a sum is NaN or ±Infinity, in a file or in an
 * activation · `incomplete` shards are missing.
 *
 * Files that are to be continued or merged: `other-model`, `other-samples`, `other-options` they do not belong together ·
 * `shard-twice` two of them hold the same shard.
 *
 * A calibration: `bad-option` an option that cannot be used · `bad-sample` a sample that does not fit the model ·
 * `no-samples` there are none · `unsupported` a weight whose input cannot be measured · `load-failed` ONNX Runtime refuses
 * the model · `run-failed` ONNX Runtime stopped at a sample · `shard-failed` a shard failed as often as it may ·
 * `read-failed`, `write-failed` the file system refuses.
 */
export type StatisticsErrorCode =
  | "not-statistics"
  | "unsupported-version"
  | "malformed"
  | "not-finite"
  | "incomplete"
  | "other-model"
  | "other-samples"
  | "other-options"
  | "shard-twice"
  | "bad-option"
  | "bad-sample"
  | "no-samples"
  | "unsupported"
  | "load-failed"
  | "run-failed"
  | "shard-failed"
  | "read-failed"
  | "write-failed";

/** Where it is wrong, as far as it is known. */
export interface StatisticsErrorContext {
  /** Name of the weight. */
  readonly weight?: string;
  /** Number of the shard, from 0. */
  readonly shard?: number;
  /** Index of the sample, from 0. */
  readonly sample?: number;
  /** Byte offset in the file. */
  readonly offset?: number;
  /** Index into the sums of a weight. */
  readonly index?: number;
  /** Path of the file. */
  readonly path?: string;
  /** The error of the parser, of ONNX Runtime, of the worker or of the file system. */
  readonly cause?: unknown;
}

/** The only error class of `@espalier/calibrate`. The message says what was found, what was expected and what to do. */
export class StatisticsError extends Error {
  override readonly name = "StatisticsError";
  readonly code: StatisticsErrorCode;
  readonly context: StatisticsErrorContext;

  constructor(code: StatisticsErrorCode, message: string, context: StatisticsErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.context = context;
  }
}

/**
 * Whether an error is a {@link StatisticsError}, also one of another copy of this package, where `instanceof` is false.
 *
 * @param code only errors of this code
 */
export function isStatisticsError(error: unknown, code?: StatisticsErrorCode): error is StatisticsError {
  if (!(error instanceof Error) || error.name !== "StatisticsError" || !("code" in error)) return false;
  return code === undefined ? typeof error.code === "string" : error.code === code;
}
