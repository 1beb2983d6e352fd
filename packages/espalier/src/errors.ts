/**
 * Why a run stopped: `usage` the options contradict each other or match nothing, `input` the model, statistics or samples
 * cannot be used, `output` the result cannot be written.
 */
export type EspalierErrorCode = "usage" | "input" | "output";

/** An error of the pipeline or the command; its message says what was found, what was expected and what to do. */
export class EspalierError extends Error {
  override readonly name = "EspalierError";
  readonly code: EspalierErrorCode;

  constructor(code: EspalierErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
