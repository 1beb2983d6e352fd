/**
 * What is wrong.
 *
 * The statement of a layer: `shape-mismatch` arrays do not fit each other · `not-finite` a weight or a moment is NaN or
 * ±Infinity, or a result would be · `no-samples` the moments count no positions · `unsupported` a weight that cannot take
 * the pattern, or a choice this package cannot make · `mask-misfit` a given mask breaks the pattern.
 *
 * The arithmetic: `singular` the inputs' second moments could not be factored even with the largest damping.
 *
 * What was given to a whole model: `unknown-weight` a mask for a weight that is not there · `no-gram` statistics without the
 * Gram matrix of a weight · `bad-option` an option that cannot be used · `too-far` the first step exceeds the limit of the
 * output error.
 *
 * Running it: `load-failed` ONNX Runtime refuses a part of the model · `run-failed` it stopped at a sample · `worker-failed` a
 * worker thread ended · `read-failed`, `write-failed` the file system refuses.
 */
export type RecoverErrorCode =
  | "shape-mismatch"
  | "not-finite"
  | "no-samples"
  | "unsupported"
  | "mask-misfit"
  | "singular"
  | "unknown-weight"
  | "no-gram"
  | "bad-option"
  | "too-far"
  | "load-failed"
  | "run-failed"
  | "worker-failed"
  | "read-failed"
  | "write-failed";

/** Where it is wrong, as far as it is known. */
export interface RecoverErrorContext {
  /** Name of the weight. */
  readonly weight?: string;
  /** Group of the weight, from 0. */
  readonly group?: number;
  /** Index into the array concerned. */
  readonly index?: number;
  /** Number of the stage, from 0. */
  readonly stage?: number;
  /** Index of the first sample of a batch, from 0. */
  readonly sample?: number;
  readonly path?: string;
  readonly cause?: unknown;
}

/** The only error class of `@espalier/recover`. The message says what was found, what was expected and what to do. */
export class RecoverError extends Error {
  override readonly name = "RecoverError";
  readonly code: RecoverErrorCode;
  readonly context: RecoverErrorContext;

  constructor(code: RecoverErrorCode, message: string, context: RecoverErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.context = context;
  }
}

/**
 * Whether an error is a {@link RecoverError}, also one of another copy of this package, where `instanceof` is false.
 *
 * @param code only errors of this code
 */
export function isRecoverError(error: unknown, code?: RecoverErrorCode): error is RecoverError {
  if (!(error instanceof Error) || error.name !== "RecoverError" || !("code" in error)) return false;
  return code === undefined ? typeof error.code === "string" : error.code === code;
}
