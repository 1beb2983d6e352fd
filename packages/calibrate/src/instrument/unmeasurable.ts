/** Thrown where a weight's input cannot be measured, caught by `instrument`: never leaves this folder. */
export class Unmeasurable extends Error {
  /** Why, as one sentence that completes "it cannot be measured:". */
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}
