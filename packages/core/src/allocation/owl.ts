import { CoreError } from "../errors.js";
import type { AllocationStrategy, OutlierEvidence, Share } from "./allocation.js";
import { shiftToTotal } from "./shift-to-total.js";

/** λ of the paper's experiments on LLaMA. */
const DEFAULT_SPREAD = 0.08;

/**
 * Outlier-weighed sparsity: a weight with more outliers than others keeps more. With D its share of outliers, `D̄` the mean of
 * D weighted by what the weights cost, its sparsity is `S − λ · (D − D̄) / max |D − D̄|`: at most λ from the target S, and on
 * average S exactly. Where all have the same share, all get S.
 *
 * The authors' program stretches D to a range of 2λ instead and takes the plain mean, so that a single outstanding layer ends
 * up to 2λ from the target, and the total only meets it where all layers have one size. With two weights of one size, or
 * shares that spread evenly to both sides, both formulas give the same.
 *
 * @see Yin et al. 2023, arXiv:2310.05175, section 3.2
 */
export const owl: AllocationStrategy = {
  name: "owl",
  needs: "outliers",
  amounts(shares, { sparsity, amount }, { outliers }) {
    const deviations = relativeDeviations(shares, sharesOf(shares, outliers!));
    const spread = requireSpread(outliers!.spread ?? DEFAULT_SPREAD);
    return shiftToTotal(
      shares.map(({ size, step, mostSteps }, index) => {
        return { value: (sparsity - spread * deviations[index]!) * size, most: mostSteps * step, weight: size };
      }),
      amount,
    );
  },
};

function relativeDeviations(shares: readonly Share[], outliers: readonly number[]): number[] {
  const size = shares.reduce((sum, share) => sum + share.size, 0);
  const mean = shares.reduce((sum, share, index) => sum + share.size * outliers[index]!, 0) / size;
  const deviations = outliers.map((share) => share - mean);
  const largest = Math.max(...deviations.map(Math.abs));
  // Equal shares differ from their mean by what rounding leaves, which must not be blown up to λ.
  return largest <= 1e-12 ? deviations.map(() => 0) : deviations.map((deviation) => deviation / largest);
}

function sharesOf(shares: readonly Share[], { shares: outliers }: OutlierEvidence): number[] {
  return shares.map(({ name }) => {
    const share = outliers.get(name);
    if (share !== undefined && share >= 0 && share <= 1) return share;
    const message = `the share of outliers of weight "${name}" is ${share ?? "missing"}, expected a fraction in [0, 1]`;
    throw new CoreError("invalid-argument", message, { weight: name });
  });
}

function requireSpread(spread: number): number {
  if (spread >= 0 && spread < 1) return spread;
  throw new CoreError("invalid-argument", `the spread of owl is ${spread}, expected a number in [0, 1), such as 0.08`);
}
