import { CoreError } from "../errors.js";

/**
 * Throws `not-finite` at the first NaN or ±Infinity. A NaN compares as equal to everything: it would be pruned or kept by
 * accident.
 *
 * @param what the array, as the message names it, such as `statistics`
 */
export function requireFinite(values: Float32Array | Float64Array, weight: string, what: string): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    // Infinity − Infinity and NaN − NaN are NaN: one test instead of two.
    if (value - value === 0) continue;
    throw new CoreError(
      "not-finite",
      `the ${what} of weight "${weight}" hold ${value} at index ${index}, expected finite numbers: repair the model or exclude the weight`,
      { weight, index },
    );
  }
}
