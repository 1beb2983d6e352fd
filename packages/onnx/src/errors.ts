/**
 * Why a model could not be read, used or written:
 *
 * - `not-onnx`: the bytes are something else (text, an archive, an empty file, another protobuf message)
 * - `truncated`: the file ends before the record it announced
 * - `malformed`: the bytes break the rules of protobuf or of ONNX
 * - `too-deep`, `too-large`: the model exceeds a limit that protects memory and stack, or the 2 GB of a protobuf message
 * - `read-failed`: the file is missing, unreadable or no regular file
 * - `changed`: the file on disk was replaced or written to after the model had been read from it
 * - `external-escape`: an external data location that leaves the model's folder
 * - `external-missing`: an external data file that is not there or is no regular file
 * - `shape-mismatch`: a tensor's dims and data type disagree with the number of bytes it has
 * - `unsupported-dtype`: a tensor whose values are no fixed-size numbers (string, undefined, unknown)
 * - `unknown-tensor`: a tensor object that does not belong to the model it was used with
 * - `write-failed`: the output could not be written
 */
export type OnnxErrorCode =
  | "not-onnx"
  | "truncated"
  | "malformed"
  | "too-deep"
  | "too-large"
  | "read-failed"
  | "changed"
  | "external-escape"
  | "external-missing"
  | "shape-mismatch"
  | "unsupported-dtype"
  | "unknown-tensor"
  | "write-failed";

/** Where an error happened, as far as it is known. */
export interface OnnxErrorContext {
  /** Byte offset in the file. */
  readonly offset?: number;
  /** File that was read or written. */
  readonly path?: string;
  /** Error that led to this one, for example of the file system. */
  readonly cause?: unknown;
}

/** Every error about a model or a file. The message says what was found, what was expected and what to do. */
export class OnnxError extends Error {
  override readonly name = "OnnxError";
  readonly code: OnnxErrorCode;
  /** Byte offset in the file, where the error is about one. */
  declare readonly offset?: number;
  /** File that was read or written, where the error is about one. */
  declare readonly path?: string;

  constructor(code: OnnxErrorCode, message: string, context: OnnxErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    if (context.offset !== undefined) this.offset = context.offset;
    if (context.path !== undefined) this.path = context.path;
  }
}

/**
 * Whether a value is an {@link OnnxError}, also one from a second copy of this package (`instanceof` would say no).
 */
export function isOnnxError(value: unknown): value is OnnxError {
  return value instanceof Error && value.name === "OnnxError" && typeof (value as { code?: unknown }).code === "string";
}
