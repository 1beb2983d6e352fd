import { CoreError } from "../errors.js";

/** Throws `invalid-pattern` unless both sides of a block are positive integers. */
export function requireBlockSize(spec: string, ...sides: readonly number[]): void {
  if (sides.every((side) => Number.isSafeInteger(side) && side >= 1)) return;
  throw new CoreError(
    "invalid-pattern",
    `the pattern is ${spec}, expected both sides of a block to be integers from 1`,
  );
}
