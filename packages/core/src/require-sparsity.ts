import { CoreError } from "./errors.js";

/**
 * The sparsity itself, once it is known to be one.
 *
 * @throws {CoreError} `invalid-sparsity` outside [0, 1) or NaN
 */
export function requireSparsity(sparsity: number): number {
  if (sparsity >= 0 && sparsity < 1) return sparsity;
  const isPercent = Number.isInteger(sparsity) && sparsity > 1 && sparsity < 100;
  const hint = isPercent ? `: for ${sparsity} % write ${sparsity / 100}` : ", such as 0.5";
  throw new CoreError("invalid-sparsity", `the sparsity is ${sparsity}, expected a fraction of zeros in [0, 1)${hint}`);
}
