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

/** Why a cell cannot be made, where an error says just that; undefined for errors that are to end the sweep. */
export function refusalOf(error: unknown): string | undefined {
  if (error instanceof EspalierError) return error.code === "input" ? error.message : undefined;
  if (isRecoverError(error)) return REFUSING.has(error.code) ? error.message : undefined;
  if (isRunnerError(error, "load-failed") || isRunnerError(error, "unsupported-type")) return error.message;
  return isCoreError(error) ? error.message : undefined;
}
