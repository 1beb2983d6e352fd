import type { Criterion } from "./criterion.js";
import { requireValues } from "./require-values.js";
import { importanceOfEach } from "./to-importance.js";

/**
 * Energy: the importance is `w²`. Single entries rank as by magnitude, blocks, rows and columns do not: their importance is
 * the sum of squares. Squared in f64 and rounded to f32, which keeps the ranking of f32 weights for |w| from 1.1e-19 to
 * 1.8e19. Below, the importance loses digits; at both ends it saturates (never 0, never Infinity), and ties go by index.
 * Its default comparison group is `layer`.
 */
export function l2(): Criterion {
  return {
    name: "l2",
    needsStatistics: false,
    defaultGroup: "layer",
    score(view, values, _statistics, into) {
      requireValues(view, values);
      // An f64 weight below 1.5e-162 squares to 0 even in f64; `|w|` stands in so that it stays above zero.
      return importanceOfEach(values, (w) => w * w || Math.abs(w), into);
    },
  };
}
