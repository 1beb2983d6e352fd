import { CoreError } from "../errors.js";
import { selectSmallestAcross } from "../kernels/index.js";
import { nnz } from "../mask/count.js";
import { Mask } from "../mask/mask.js";
import type { AllocationStrategy, Share } from "./allocation.js";
import { shiftToTotal } from "./shift-to-total.js";

/**
 * One ranking over the entries of all weights, by importance divided by the mean importance of their weight: what falls below
 * one threshold goes. Without the division a weight would be judged by the scale of its layer, which normalisation layers
 * choose freely; divided by the mean (and not by the L2 norm, which grows with the number of entries) a weight's size makes no
 * difference. A weight that reaches its limit leaves its turn to the others.
 *
 * @see Molchanov et al. 2017, arXiv:1611.06440, section 2.2, on normalising before a ranking across layers; Fang et al.
 *   2023, arXiv:2301.12900, on relative scores `N · I / Σ I`, which are multiples of the mean
 */
export const global: AllocationStrategy = {
  name: "global",
  needs: "importance",
  amounts(shares, { sparsity, amount }, { importance }) {
    const total = shares.reduce((sum, share) => sum + share.total, 0);
    const scores = (share: Share): Float32Array => normalized(share, importance!(share.name));
    const fractions = rankedFractions(shares, scores, Math.round(sparsity * total));
    return shiftToTotal(
      shares.map(({ size, step, mostSteps }, index) => {
        return { value: fractions[index]! * size, most: mostSteps * step, weight: size };
      }),
      amount,
    );
  },
};

/** Importance over its mean; zeros stay zeros where all are. */
function normalized({ name, total }: Share, importance: Float32Array): Float32Array {
  if (importance.length !== total) {
    const message = `the importance of weight "${name}" has ${importance.length} entries, expected ${total}`;
    throw new CoreError("shape-mismatch", message, { weight: name });
  }
  const mean = importance.reduce((sum, value) => sum + value, 0) / total;
  if (!(mean >= 0 && mean < Number.POSITIVE_INFINITY)) {
    const message = `the mean importance of weight "${name}" is ${mean}, expected finite numbers of at least 0`;
    throw new CoreError("not-finite", message, { weight: name });
  }
  return mean === 0 ? importance.slice() : importance.map((value) => value / mean);
}

/** The fraction of each weight among the `count` smallest scores, when none may lose more than its limit. */
function rankedFractions(
  shares: readonly Share[],
  scores: (share: Share) => Float32Array,
  count: number,
): readonly number[] {
  const fractions = shares.map(() => 0);
  let open = [...shares.keys()];
  let left = count;
  while (open.length > 0) {
    const counts = rankedCounts(
      open.map((index) => shares[index]!),
      scores,
      left,
    );
    const isFull = (position: number): boolean => counts[position]! > limitOf(shares[open[position]!]!);
    const full = [...open.keys()].filter(isFull);
    for (const [position, index] of open.entries()) {
      fractions[index] = Math.min(counts[position]!, limitOf(shares[index]!)) / shares[index]!.total;
    }
    if (full.length === 0) break;
    left -= full.reduce((sum, position) => sum + limitOf(shares[open[position]!]!), 0);
    open = open.filter((_, position) => !isFull(position));
  }
  return fractions;
}

function rankedCounts(shares: readonly Share[], scores: (share: Share) => Float32Array, count: number): number[] {
  const lengths = shares.map(({ total }) => total);
  const bits = lengths.map((length) => new Uint8Array(Math.ceil(length / 8)));
  const room = lengths.reduce((sum, length) => sum + length, 0);
  selectSmallestAcross(
    lengths,
    (index) => scores(shares[index]!),
    Math.min(Math.max(Math.round(count), 0), room),
    (index) => bits[index]!,
  );
  return lengths.map((length, index) => length - nnz(Mask.adopt(length, bits[index]!)));
}

/** The most entries that a weight may lose. */
function limitOf({ total, steps, mostSteps }: Share): number {
  return (total * mostSteps) / steps;
}
