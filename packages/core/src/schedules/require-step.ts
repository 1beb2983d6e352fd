import { CoreError } from "../errors.js";

/** Throws `invalid-schedule` unless a number is an integer of at least `least`. */
export function requireStep(value: number, name: string, least = 0): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new CoreError("invalid-schedule", `the schedule's ${name} is ${value}, expected an integer from ${least}`);
}

/** Throws `invalid-argument` when the step asked about is NaN. */
export function requireNumber(step: number): void {
  if (Number.isNaN(step)) throw new CoreError("invalid-argument", "the step is NaN, expected a number");
}
