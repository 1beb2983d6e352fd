/** What went wrong, for programs. The set is closed: a new code is a new entry here. */
export type ExportErrorCode =
  /** A mask with another number of entries than its weight. */
  | "mask-mismatch"
  /** A mask or new values for a name that none of the given weights has, or for a tensor that the model does not have. */
  | "unknown-weight"
  /** Another number of new values than the tensor has elements. */
  | "values-mismatch"
  /** New values for a quantised or integer tensor. */
  | "unsupported-dtype"
  /** New values that are NaN, ±Infinity, or too large for the tensor's type. */
  | "not-finite"
  /** A weight that cannot be stored in the encoding chosen for it. */
  | "cannot-encode"
  /** The model carries a pruning record that cannot be read. */
  | "bad-record"
  /** A run that a record cannot describe, such as a sparsity of 1. */
  | "invalid-run";

/** Where an {@link ExportError} happened, as far as it is known. */
export interface ExportErrorContext {
  /** The weight's name. */
  readonly weight?: string;
}

/** The only error that this package throws on purpose. */
export class ExportError extends Error {
  override readonly name = "ExportError";
  readonly code: ExportErrorCode;
  readonly weight: string | undefined;

  constructor(code: ExportErrorCode, message: string, context: ExportErrorContext = {}) {
    super(message);
    this.code = code;
    this.weight = context.weight;
  }
}

/** Whether a caught value is an {@link ExportError}, also one of another copy of this package, where `instanceof` fails. */
export function isExportError(error: unknown): error is ExportError {
  return (
    error instanceof Error && error.name === "ExportError" && typeof (error as { code?: unknown }).code === "string"
  );
}
