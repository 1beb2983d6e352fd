import { type CoreError, isCoreError } from "@espalier/core";

/** The CoreError that an action throws; anything else fails the test. */
export function coreErrorOf(action: () => unknown): CoreError {
  try {
    action();
  } catch (error) {
    if (isCoreError(error)) return error;
    throw error;
  }
  throw new Error("expected a CoreError, nothing was thrown");
}
