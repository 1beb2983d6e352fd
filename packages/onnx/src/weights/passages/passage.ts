import type { NodeReading, TracedValue } from "../node-reading.js";

/** An operator that only moves or converts the constant at its first input; the consumer comes behind it. */
export interface Passage {
  readonly op: string;
  /** Names of the inputs, for reasons; the constant passes through the first. */
  readonly inputs: readonly string[];
  /** What comes out at the first output, or why the way ends here: a text that completes "Reshape "x" …". */
  pass(value: TracedValue, reading: NodeReading): TracedValue | string;
}
