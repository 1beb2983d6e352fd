import { isCoreError } from "@espalier/core";
import { isOnnxError } from "@espalier/onnx";
import { isRecoverError, type RecoverErrorCode } from "@espalier/recover";
import { EspalierError } from "../errors.js";

/** The exit codes of the command; any other number is a bug. */
export const EXIT = { done: 0, failed: 1, usage: 2, input: 3, output: 4 } as const;

const USAGE_CODES_OF_CORE: ReadonlySet<string> = new Set(["invalid-sparsity", "invalid-pattern", "invalid-criterion"]);

/** Of `@espalier/recover`; other codes are about the input. */
const EXIT_OF_RECOVER: Partial<Record<RecoverErrorCode, number>> = {
  "bad-option": EXIT.usage,
  "too-far": EXIT.failed,
  "write-failed": EXIT.output,
};

/** The exit code of an error that a user can mend, or undefined when the error is a bug of ours. */
export function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof EspalierError) return EXIT[error.code];
  if (isCoreError(error)) return USAGE_CODES_OF_CORE.has(error.code) ? EXIT.usage : EXIT.input;
  if (isOnnxError(error)) return error.code === "write-failed" ? EXIT.output : EXIT.input;
  if (isRecoverError(error)) return EXIT_OF_RECOVER[error.code] ?? EXIT.input;
  const name = error instanceof Error ? error.name : "";
  return name === "RunnerError" || name === "StatisticsError" || name === "VerifyError" ? EXIT.input : undefined;
}
