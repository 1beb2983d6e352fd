import { CoreError } from "../errors.js";
import { entryCount } from "../layout/entry-count.js";
import type { WeightView } from "../weight-view.js";
import { requireFinite } from "./require-finite.js";

/** Throws `shape-mismatch` unless there is a value for every entry of the weight, `not-finite` unless all are finite. */
export function requireValues(view: WeightView, values: Float32Array | Float64Array): void {
  if (values.length !== entryCount(view)) {
    throw new CoreError(
      "shape-mismatch",
      `weight "${view.name}" has ${values.length} values, its axes say ${entryCount(view)}`,
      { weight: view.name },
    );
  }
  requireFinite(values, view.name, "values");
}
