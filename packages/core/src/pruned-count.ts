import { CoreError } from "./errors.js";
import { requireSparsity } from "./require-sparsity.js";

/**
 * How many of `total` entries go: `total · sparsity` to the nearest integer, exact halves down.
 *
 * The sparsity is taken as the decimal that JavaScript prints for it, and the product is exact. In doubles 0.29 · 100 is
 * 28.999999999999996 and 0.29 · 50 is 14.499999999999998; here they are 29 and 14.5, so that the answer is what the
 * person who wrote 0.29 works out on paper. Never more than `total`, but all of it where `total · (1 − sparsity)` < ½.
 *
 * @param total integer in [0, 2⁵³)
 * @param sparsity fraction of zeros in [0, 1)
 * @returns integer in [0, total], not decreasing in `total` or `sparsity`
 * @throws {CoreError} `invalid-sparsity`; `invalid-argument` when `total` is no count
 */
export function prunedCount(total: number, sparsity: number): number {
  if (!Number.isSafeInteger(total) || total < 0) {
    throw new CoreError("invalid-argument", `the total is ${total}, expected an integer in [0, 2^53)`);
  }
  const { numerator, denominator } = decimalFraction(requireSparsity(sparsity));
  // ⌈x − ½⌉ rounds to the nearest and halves down; with x = a/b that is ⌈(2a − b) / 2b⌉ = ⌊(2a + b − 1) / 2b⌋.
  const twice = 2n * BigInt(total) * numerator;
  return Number((twice + denominator - 1n) / (2n * denominator));
}

/** The fraction that the shortest decimal of a non-negative number stands for: 0.29 is 29 / 100, 1e-7 is 1 / 10000000. */
function decimalFraction(value: number): { numerator: bigint; denominator: bigint } {
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  const [whole = "0", decimals = ""] = mantissa.split(".");
  // Below 1 the exponent is never positive, so the denominator takes all of the scale.
  const scale = decimals.length - Number(exponent);
  return { numerator: BigInt(whole + decimals), denominator: 10n ** BigInt(scale) };
}
