import type { WeightView } from "../weight-view.js";

/** Why patterns that need axes cannot be used on a weight; undefined where its axes are certain. */
export function axisConflictReason({ axisConflict }: WeightView): string | undefined {
  return axisConflict === undefined ? undefined : `its axes are not certain: ${axisConflict}`;
}
