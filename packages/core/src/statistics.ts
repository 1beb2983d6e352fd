/** What calibration knows about the inputs of one weight. */
export interface WeightStatistics {
  /** Sum of squares of each input feature over all positions seen; f64, row-major `[groups, inFeatures]`, finite and ≥ 0. */
  readonly sumOfSquares: Float64Array;
  /** Positions seen (tokens, pixels), not batches; at least 1. The same for every group. */
  readonly count: number;
}

/** Statistics by weight name. */
export type Statistics = ReadonlyMap<string, WeightStatistics>;
