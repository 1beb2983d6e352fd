import type { Criterion } from "./criterion.js";
import { requireValues } from "./require-values.js";
import { importanceOfEach } from "./to-importance.js";

/**
 * Magnitude: the importance is `|w|`. Exact for f32 weights; f64 weights are rounded to f32, saturated at its range.
 * Its default comparison group is `layer`.
 */
export function l1(): Criterion {
  return {
    name: "l1",
    needsStatistics: false,
    defaultGroup: "layer",
    score(view, values, _statistics, into) {
      requireValues(view, values);
      return importanceOfEach(values, Math.abs, into);
    },
  };
}
