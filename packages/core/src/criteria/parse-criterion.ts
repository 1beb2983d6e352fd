import { CoreError } from "../errors.js";
import type { Criterion } from "./criterion.js";
import { l1 } from "./l1.js";
import { l2 } from "./l2.js";
import { random } from "./random.js";
import { wanda } from "./wanda.js";

const CRITERIA = { l1, l2, wanda, random: (seed?: number) => random(seed ?? 0) } as const;

/** The names that {@link parseCriterion} knows, for help texts. */
export const CRITERION_NAMES: readonly string[] = Object.freeze(Object.keys(CRITERIA));

/**
 * The criterion that a name on the command line means.
 *
 * @param seed for `random`, 0 without it; refused with any other name, where it would do nothing
 * @throws {CoreError} `invalid-criterion`
 */
export function parseCriterion(name: string, seed?: number): Criterion {
  if (!Object.hasOwn(CRITERIA, name)) {
    throw new CoreError(
      "invalid-criterion",
      `the criterion is "${name}", expected one of ${CRITERION_NAMES.join(", ")}`,
    );
  }
  const criterion = CRITERIA[name as keyof typeof CRITERIA](seed);
  if (seed === undefined || criterion.seed === seed) return criterion;
  throw new CoreError(
    "invalid-criterion",
    `a seed was given with the criterion ${name}, which draws nothing: leave it out`,
  );
}
