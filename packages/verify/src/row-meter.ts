import type { Tensor } from "@espalier/runtime";
import type { RowFigures } from "./check.js";

/** How far a row of probabilities may be from adding up to 1: float16 softmax of 50,000 classes is 0.01 off. */
const SUM_TOLERANCE = 0.02;

/** The smallest positive float32. A probability that a softmax rounded to 0 counts as this, so that KL stays finite. */
const SMALLEST = 2 ** -149;

const FLOATS: ReadonlySet<string> = new Set(["float32", "float64", "float16", "bfloat16"]);

/**
 * Compares outputs row by row, a row being what lies along the last axis: the scores or probabilities of one example, token or
 * pixel.
 */
export class RowMeter {
  #rows = 0;
  #agreeing = 0;
  #divergence = 0;
  #areDistributions = true;

  /**
   * Adds one output of both models.
   *
   * @param tensor of the original, for type and shape
   * @param o elements of the original's output
   * @param p as many of the pruned model's
   */
  add({ dtype, dims }: Tensor, o: ArrayLike<number>, p: ArrayLike<number>): void {
    const width = dims.at(-1) ?? 1;
    if (width < 2 || !FLOATS.has(dtype)) return;
    for (let start = 0; start < o.length; start += width) {
      this.#rows++;
      if (highest(o, start, width) === highest(p, start, width)) this.#agreeing++;
      this.#areDistributions &&= isDistribution(o, start, width) && isDistribution(p, start, width);
      if (this.#areDistributions) this.#divergence += divergence(o, p, start, width);
    }
  }

  /** Nothing for outputs without rows of at least two floats. */
  figures(): RowFigures {
    if (this.#rows === 0) return {};
    const agreement = { topAgreement: this.#agreeing / this.#rows };
    return this.#areDistributions ? { ...agreement, meanDivergence: this.#divergence / this.#rows } : agreement;
  }
}

/** Index of the largest element, the first of several. */
function highest(values: ArrayLike<number>, start: number, width: number): number {
  let best = 0;
  for (let index = 1; index < width; index++) if (values[start + index]! > values[start + best]!) best = index;
  return best;
}

function isDistribution(values: ArrayLike<number>, start: number, width: number): boolean {
  let sum = 0;
  for (let index = start; index < start + width; index++) {
    if (!(values[index]! >= 0)) return false;
    sum += values[index]!;
  }
  return Math.abs(sum - 1) <= SUM_TOLERANCE;
}

function divergence(o: ArrayLike<number>, p: ArrayLike<number>, start: number, width: number): number {
  let sum = 0;
  for (let index = start; index < start + width; index++) {
    const was = o[index]!;
    if (was > 0) sum += was * Math.log(was / Math.max(p[index]!, SMALLEST));
  }
  return sum;
}
