/** What went wrong, for programs. The set is closed: a new code is a new entry here. */
export type CoreErrorCode =
  /** A sparsity outside [0, 1), missing, or given where the pattern fixes it. */
  | "invalid-sparsity"
  /** A pattern whose numbers make no sense, or text that names none. */
  | "invalid-pattern"
  /** A schedule that runs backwards, never prunes, or does not fit the pattern. */
  | "invalid-schedule"
  /** A criterion that does not exist, a seed that is no integer, importance below 0. */
  | "invalid-criterion"
  /** Mask bits that are no mask, a count that is no count, a step that goes back. */
  | "invalid-argument"
  /** Two lengths that must agree do not. */
  | "shape-mismatch"
  /** NaN or ±Infinity in weights, statistics or importance. */
  | "not-finite"
  /** A criterion that needs statistics was given none, or negative ones. */
  | "invalid-statistics"
  /** Statistics over zero positions. */
  | "no-samples"
  /** Weights that cannot take what was asked; `refusals` lists them all. */
  | "unsupported"
  /** Two weights of one name where each needs its own. */
  | "duplicate-weight"
  /** A name that no weight carries. */
  | "unknown-weight";

/** A weight that cannot take what was asked, and why. */
export interface Refusal {
  readonly name: string;
  readonly reason: string;
}

/** Where a {@link CoreError} happened, as far as it is known. */
export interface CoreErrorContext {
  /** The weight's name. */
  readonly weight?: string;
  /** Index of the first offending entry in the array that the message names. */
  readonly index?: number;
  /** Every weight that was refused, with code `unsupported`. */
  readonly refusals?: readonly Refusal[];
}

/** The only error that this package throws on purpose. */
export class CoreError extends Error {
  override readonly name = "CoreError";
  readonly code: CoreErrorCode;
  readonly weight: string | undefined;
  readonly index: number | undefined;
  readonly refusals: readonly Refusal[];

  constructor(code: CoreErrorCode, message: string, context: CoreErrorContext = {}) {
    super(message);
    this.code = code;
    this.weight = context.weight;
    this.index = context.index;
    this.refusals = context.refusals ?? [];
  }
}

/** Whether a caught value is a {@link CoreError}, also one of another copy of this package, where `instanceof` fails. */
export function isCoreError(error: unknown): error is CoreError {
  return error instanceof Error && error.name === "CoreError" && typeof (error as { code?: unknown }).code === "string";
}
