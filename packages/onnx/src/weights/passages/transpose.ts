import { intsAttribute } from "../call-frame.js";
import type { Passage } from "./passage.js";

/** Transpose puts the dimensions into the order `perm`, without it into the reverse order. */
export const transpose: Passage = {
  op: "Transpose",
  inputs: ["input"],
  pass(value, { attributes }) {
    const { order } = value;
    const perm = intsAttribute(attributes, "perm");
    if (perm === undefined) return { ...value, order: [...order].reverse() };
    const isPermutation = perm.length === order.length && new Set(perm).size === perm.length;
    if (!isPermutation || perm.some((axis) => order[axis] === undefined)) {
      return `has perm [${perm.join(", ")}], which does not permute the ${order.length} dimensions of the weight`;
    }
    return { ...value, order: perm.map((axis) => order[axis] ?? []) };
  },
};
