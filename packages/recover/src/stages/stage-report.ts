import type { UnsupportedWeight } from "@espalier/calibrate";

/** What `runStages` did. */
export interface StageReport {
  readonly stages: readonly StageRecord[];
  /** Most bytes of activations between two stages, in memory and in files. */
  readonly carriedBytes: number;
  /** Weights that were not decided, because their inputs cannot be had. */
  readonly unsupported: readonly UnsupportedWeight[];
}

/** One stage that was run. */
export interface StageRecord {
  readonly weights: readonly StageWeight[];
  /** Nodes of the two models that were run for each batch, without those that lay inputs out and sum. */
  readonly nodes: number;
  /** Spent running the model, without deciding. */
  readonly seconds: number;
}

/** A weight of a {@link StageRecord}. */
interface StageWeight {
  readonly name: string;
  /** Positions (tokens, pixels) that its moments were taken over, held-back ones included. */
  readonly positions: number;
}
