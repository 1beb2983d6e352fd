import type { Passage } from "./passage.js";

/** Identity hands its input on. */
export const identity: Passage = {
  op: "Identity",
  inputs: ["input"],
  pass: (value) => value,
};
