/**
 * What went wrong:
 * `backend-missing` the npm package of the backend is not installed · `backend-failed` it is there but does not start ·
 * `bad-option` an option that cannot be used (here) · `load-failed` ONNX Runtime refuses the model ·
 * `unsupported-type` an input or output that JavaScript cannot hand over (bfloat16, int4, sequences, …) ·
 * `bad-input` a feed that does not fit the model · `bad-output` an output that the model does not have ·
 * `run-failed` ONNX Runtime stopped while running · `closed` the runner was closed before ·
 * `bad-samples` a sample file that cannot be decoded, or that does not fit the model ·
 * `process-failed` a process that was to load a model died.
 */
export type RunnerErrorCode =
  | "backend-missing"
  | "backend-failed"
  | "bad-option"
  | "load-failed"
  | "unsupported-type"
  | "bad-input"
  | "bad-output"
  | "run-failed"
  | "closed"
  | "bad-samples"
  | "process-failed";

/** Where it went wrong, as far as it is known. */
export interface RunnerErrorContext {
  /** Name of the model's input. */
  readonly input?: string;
  /** What was expected, as text: `float32 [N, 3]`. */
  readonly expected?: string;
  /** What was there instead, as text. */
  readonly found?: string;
  /** Entry of an archive, or array of a file. */
  readonly entry?: string;
  /** Byte offset in the file, or in the entry when that is compressed. */
  readonly offset?: number;
  /** Line of a text file, from 1. */
  readonly line?: number;
  /** Index of the sample, from 0. */
  readonly sample?: number;
  /** The error of ONNX Runtime, of the import or of the parser. */
  readonly cause?: unknown;
}

/** The only error class of `@espalier/runtime`. The message says what was found, what was expected and what to do. */
export class RunnerError extends Error {
  override readonly name = "RunnerError";
  readonly code: RunnerErrorCode;
  readonly context: RunnerErrorContext;

  constructor(code: RunnerErrorCode, message: string, context: RunnerErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.context = context;
  }
}

/**
 * Whether an error is a {@link RunnerError}, also one of another copy of this package, where `instanceof` is false.
 *
 * @param code only errors of this code
 */
export function isRunnerError(error: unknown, code?: RunnerErrorCode): error is RunnerError {
  if (!(error instanceof Error) || error.name !== "RunnerError" || !("code" in error)) return false;
  return code === undefined ? typeof error.code === "string" : error.code === code;
}
