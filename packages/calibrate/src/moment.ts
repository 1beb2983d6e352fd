/** A weight as far as its inputs go. */
export interface MeasuredWeight {
  /** As `prunableWeights` names it. */
  readonly name: string;
  /** As in the weight's view, at least 1. */
  readonly groups: number;
  /** As in the weight's view, at least 1. */
  readonly inFeatures: number;
}

/**
 * A sum that calibration takes over all positions (tokens, pixels) at which weights see their input `x`:
 *
 * - `squares`: `Σ x[i]²`, row-major `[groups, inFeatures]`
 * - `gram`: `Σ x[i] · x[j]` for `i ≤ j`, per group the upper triangle row by row, `inFeatures · (inFeatures + 1) / 2` entries
 */
export interface Moment {
  readonly kind: "squares" | "gram";
  /** At least one; several where weights read the same input in the same way. The sum is the same for all of them. */
  readonly weights: readonly MeasuredWeight[];
}

/** A sum over some positions. */
export interface Sum {
  /** Positions summed over; 0 where no sample reached the weight. */
  readonly count: number;
  /** f64, laid out as {@link Moment} says. Never changed once it is here. */
  readonly values: Float64Array;
}

/** What is known of a moment: the sums of the shards that are finished. */
export interface MomentSums extends Moment {
  /** Shards 0 to `folded` − 1 are in `total`, added in the order of their numbers. */
  readonly folded: number;
  /** Present when `folded` is at least 1. */
  readonly total?: Sum;
  /** Finished shards behind a gap, by number, ascending; all numbers are larger than `folded`. */
  readonly pending: ReadonlyMap<number, Sum>;
}

/** Entries of a sum of one weight. */
export function momentLength(kind: Moment["kind"], { groups, inFeatures }: MeasuredWeight): number {
  return kind === "squares" ? groups * inFeatures : groups * triangleLength(inFeatures);
}

/** Entries of the upper triangle of a matrix, its diagonal included. */
export function triangleLength(size: number): number {
  return (size * (size + 1)) / 2;
}
