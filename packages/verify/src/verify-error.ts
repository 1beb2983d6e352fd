import type { Check } from "./check.js";

/** What went wrong, for programs. The set is closed: a new code is a new entry here. */
export type VerifyErrorCode =
  /** A limit that is no number in its range, a number of runs that is no count, labels without an output they fit. */
  | "invalid-option"
  /** A backend is missing or does not start; `cause` is the runtime's error. */
  | "no-backend"
  /** Samples were given, but there is not one. */
  | "no-samples"
  /** Labels that are none, too few or too many. */
  | "bad-labels"
  /** A file that is no certificate, or one that cannot be read. */
  | "bad-certificate"
  /** A verification that failed and was to be certified. */
  | "not-passed"
  /** A metric that throws, or gives something else than finite numbers. */
  | "bad-metric"
  /** The original itself cannot be run on a sample: nothing can be said about the pruned model then. */
  | "bad-sample";

/** What a {@link VerifyError} knows about its circumstances. */
export interface VerifyErrorContext extends ErrorOptions {
  /** Index of the sample, from 0. */
  readonly sample?: number;
  /** The checks that were finished before. */
  readonly checks?: readonly Check[];
}

/**
 * Thrown only for input with which nothing can be judged. That a pruned model is bad is no error but a
 * `Verification` with status `failed`.
 */
export class VerifyError extends Error {
  override readonly name = "VerifyError";
  readonly code: VerifyErrorCode;
  readonly sample: number | undefined;
  /** The checks that were finished before: what was measured is not lost. */
  readonly checks: readonly Check[];

  constructor(code: VerifyErrorCode, message: string, context: VerifyErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.sample = context.sample;
    this.checks = context.checks ?? [];
  }
}

/** Whether a caught value is a {@link VerifyError}, also one of another copy of this package, where `instanceof` fails. */
export function isVerifyError(error: unknown): error is VerifyError {
  return (
    error instanceof Error && error.name === "VerifyError" && typeof (error as { code?: unknown }).code === "string"
  );
}
