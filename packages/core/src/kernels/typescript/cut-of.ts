import { type Cut, exactCut } from "../cut.js";
import { KEY_END, wordsOf } from "../key.js";

/** {@link Primitives.cutOf}, by histograms with tables that suit the length. */
export function cutOf(values: Float32Array, count: number): Cut {
  const whole: Cut = { from: 0, to: KEY_END, rank: count, population: values.length };
  return exactCut(whole, values.length < 4096 ? 8 : 11, (visit) => visit(wordsOf(values)));
}
