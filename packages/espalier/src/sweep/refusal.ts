import { isCoreError } from "@espalier/core";
import { isRecoverError, type RecoverErrorCode } from "@espalier/recover";
import { isRunnerError } from "@espalier/runtime";
import { EspalierError } from "../errors.js";

/** What a weight, a pattern or the arithmetic is to blame for; the other codes are about files and threads. */
const REFUSING: ReadonlySet<RecoverErrorCode> = new Set([
  "shape-mismatch",
  "not-finite",
  "no-samples",
  "unsupported",
  "singular",
  "load-failed",
  "run-failed",
]);

/** What ONNX Runtime says of a model; the other codes are about how it was called. */
const MODEL_PROBLEMS = ["load-failed", "run-failed", "unsupported-type"] as const;

/** Why a cell cannot be made. */
export interface Refusal {
  readonly reason: string;
  /** Whether another try may succeed: ONNX Runtime also stops where memory runs out. */
  readonly passing: boolean;
}

/** Why a cell cannot be made, where an error says just that; undefined for errors that are to end the sweep. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!isRefusing(error)) return undefined;
  return { reason: error.message, passing: isPassing(error) || isPassing(error.cause) };
}

function isRefusing(error: unknown): error is Error {
  if (error instanceof EspalierError) return error.code === "input";
  if (isRecoverError(error)) return REFUSING.has(error.code);
  return MODEL_PROBLEMS.some((code) => isRunnerError(error, code)) || isCoreError(error);
}

function isPassing(error: unknown): boolean {
  return (["load-failed", "run-failed"] as const).some(
    (code) => isRunnerError(error, code) || isRecoverError(error, code),
  );
}
