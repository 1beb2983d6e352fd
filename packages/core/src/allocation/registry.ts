import { CoreError } from "../errors.js";
import type { AllocationStrategy } from "./allocation.js";
import { global } from "./global.js";
import { owl } from "./owl.js";
import { sensitivity } from "./sensitivity.js";
import { uniform } from "./uniform.js";

const STRATEGIES: ReadonlyMap<string, AllocationStrategy> = new Map(
  [uniform, global, owl, sensitivity].map((strategy) => [strategy.name, strategy]),
);

/** The names that {@link parseAllocation} knows, for help texts. */
export const ALLOCATION_NAMES: readonly string[] = Object.freeze([...STRATEGIES.keys()]);

/**
 * The strategy that a name on the command line means.
 *
 * @throws {CoreError} `invalid-argument`
 */
export function parseAllocation(name: string): AllocationStrategy {
  const strategy = STRATEGIES.get(name);
  if (strategy !== undefined) return strategy;
  const message = `the allocation is "${name}", expected one of ${ALLOCATION_NAMES.join(", ")}`;
  throw new CoreError("invalid-argument", message);
}
