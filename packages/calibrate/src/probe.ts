import type { Moment } from "./moment.js";

/** A moment and where an instrumented model puts it: the sums and positions of one run are outputs of the graph. */
export interface Probe extends Moment {
  /**
   * Output with the sums of one run, float32 or float64: of `squares` as many entries as the moment has, row-major; of `gram`
   * `[groups, inFeatures, inFeatures]`, of which the upper triangle is read.
   */
  readonly sumOutput: string;
  /** Output with the number of positions of one run: one number, of any numeric dtype. */
  readonly countOutput: string;
}
