import type { ComparisonGroup } from "../comparison-group.js";
import type { WeightStatistics } from "../statistics.js";
import type { WeightView } from "../weight-view.js";

/**
 * Says how important each entry of a weight is. To add one: a file in this folder, a line in `parse-criterion.ts`, a line
 * in `criterion.contract.test.ts`, and its export.
 */
export interface Criterion {
  /** As the command line writes it. */
  readonly name: string;
  /** Whether `score` needs statistics. Finding an entry's statistic takes the axes: weights whose axes conflict are refused. */
  readonly needsStatistics: boolean;
  /** The comparison group of an unstructured pattern that names none. */
  readonly defaultGroup: ComparisonGroup;
  /** The seed, for criteria that draw numbers. */
  readonly seed?: number;
  /**
   * The importance of every entry; larger means keep. It depends on the weight alone, never on other weights or earlier
   * calls, and a zero entry has importance 0.
   *
   * @param values what `view.read()` returned, buffer order
   * @param statistics of this weight; given whenever `needsStatistics`
   * @param into where the importance may go instead of a new array: as long as `values`, or `values` itself, which is lost
   *   then. A criterion may ignore it
   * @returns f32 in buffer order, ≥ 0, finite; `into` or a new array
   * @throws {CoreError} `not-finite` naming weight and first index; `shape-mismatch`
   */
  score(
    view: WeightView,
    values: Float32Array | Float64Array,
    statistics?: WeightStatistics,
    into?: Float32Array,
  ): Float32Array;
}
