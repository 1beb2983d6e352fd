import { CoreError } from "../errors.js";
import type { Criterion } from "./criterion.js";
import { randomWords } from "./random-words.js";
import { requireValues } from "./require-values.js";

/**
 * Chance, the baseline every criterion must beat: importance uniform in (0, 1), on the 2²³ midpoints `(k + ½) / 2²³`;
 * 0 where the weight is zero, so that zeros go first. Drawn from the seed and the weight's name, so it does not depend on
 * the order of the weights nor on which others are pruned. Its default comparison group is `layer`.
 *
 * @param seed any safe integer
 * @throws {CoreError} `invalid-criterion` when the seed is none
 */
export function random(seed: number): Criterion {
  if (!Number.isSafeInteger(seed)) {
    throw new CoreError("invalid-criterion", `the seed of random is ${seed}, expected an integer below 2^53`);
  }
  return {
    name: "random",
    needsStatistics: false,
    defaultGroup: "layer",
    seed,
    score(view, values, _statistics, into) {
      requireValues(view, values);
      const nextWord = randomWords(`${seed}:${view.name}`);
      const importance = into ?? new Float32Array(values.length);
      for (let index = 0; index < values.length; index++) {
        // Drawn for zeros too: what an entry gets must not depend on the values before it.
        const drawn = ((nextWord() >>> 9) + 0.5) / 2 ** 23;
        importance[index] = values[index] === 0 ? 0 : drawn;
      }
      return importance;
    },
  };
}
