import { CoreError } from "../errors.js";
import { forEachEntry } from "../layout/for-each-entry.js";
import type { WeightStatistics } from "../statistics.js";
import type { WeightView } from "../weight-view.js";
import type { Criterion } from "./criterion.js";
import { requireFinite } from "./require-finite.js";
import { requireValues } from "./require-values.js";
import { toImportance } from "./to-importance.js";

/**
 * Wanda: the importance of `W[o, f]` is `|W[o, f]| · sqrt(Σₛ X[s, f]² / n)`, the magnitude times the root mean square of
 * the input feature it multiplies. Computed in f64, rounded once to f32; 0 where the input feature was never active.
 * Its default comparison group is `row`, as in the paper: entries compete within one out channel.
 *
 * `score` throws {@link CoreError} `shape-mismatch` when the statistics are not `[groups, inFeatures]`; `not-finite` on NaN
 * or ±Infinity in weights or statistics; `invalid-statistics` when there are none, a sum is negative, or the count is no
 * count; `no-samples` when the count is 0; `unsupported` when the weight's axes conflict.
 *
 * @see Sun et al. 2023, arXiv:2306.11695, eq. 1
 */
export function wanda(): Criterion {
  return {
    name: "wanda",
    needsStatistics: true,
    defaultGroup: "row",
    score(view, values, statistics, into) {
      requireValues(view, values);
      const norms = featureNorms(view, statistics);
      const channelsPerGroup = view.outChannels / view.groups;
      const importance = into ?? new Float32Array(values.length);
      forEachEntry(view, (index, outChannel, inFeature) => {
        const group = Math.floor(outChannel / channelsPerGroup);
        importance[index] = toImportance(Math.abs(values[index]!) * norms[group * view.inFeatures + inFeature]!);
      });
      return importance;
    },
  };
}

/** Root mean square of every input feature, row-major `[groups, inFeatures]`. */
function featureNorms(view: WeightView, statistics: WeightStatistics | undefined): Float64Array {
  const { name, axisConflict } = view;
  if (axisConflict !== undefined) {
    const message = `weight "${name}" has no input features to take statistics of: ${axisConflict}`;
    throw new CoreError("unsupported", message, { weight: name, refusals: [{ name, reason: axisConflict }] });
  }
  const { sumOfSquares, count } = checkStatistics(view, statistics);
  return sumOfSquares.map((sum) => Math.sqrt(sum / count));
}

function checkStatistics(view: WeightView, statistics: WeightStatistics | undefined): WeightStatistics {
  const weight = view.name;
  if (!statistics) {
    throw new CoreError(
      "invalid-statistics",
      `there are no statistics for weight "${weight}": calibrate it or exclude it`,
      {
        weight,
      },
    );
  }
  const { sumOfSquares, count } = statistics;
  if (sumOfSquares.length !== view.groups * view.inFeatures) {
    throw new CoreError(
      "shape-mismatch",
      `the statistics of weight "${weight}" have ${sumOfSquares.length} sums, expected groups × in-features = ` +
        `${view.groups} × ${view.inFeatures}: were they collected on another model?`,
      { weight },
    );
  }
  if (count === 0) throw new CoreError("no-samples", `the statistics of weight "${weight}" saw no samples`, { weight });
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new CoreError("invalid-statistics", `the statistics of weight "${weight}" count ${count} positions`, {
      weight,
    });
  }
  requireFinite(sumOfSquares, weight, "statistics");
  const index = sumOfSquares.findIndex((sum) => sum < 0);
  if (index < 0) return statistics;
  throw new CoreError(
    "invalid-statistics",
    `the statistics of weight "${weight}" hold ${sumOfSquares[index]} at index ${index}, a sum of squares cannot be negative`,
    { weight, index },
  );
}
