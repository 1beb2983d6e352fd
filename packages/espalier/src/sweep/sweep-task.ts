import type { Sample } from "@espalier/runtime";
import type { WeightSelection } from "../select-weights.js";
import type { AccuracyAsked } from "./accuracy-asked.js";
import type { MeasuredRow } from "./pareto.js";
import type { SweepCell } from "./sweep-result.js";

/** What cells are made and measured by, the same for all of a sweep. */
export interface CellOptions extends WeightSelection, AccuracyAsked {
  /** An input such as `attention_mask`: positions where it is 0 do not count in calibration. @default every position counts */
  readonly mask?: string;
  /** Of the criterion `random`. @default 0 */
  readonly seed?: number;
  /** How often each model is timed. */
  readonly latencyRuns: number;
}

/** A model with what all of its cells share; samples are in shared memory. */
export interface ModelSetup {
  readonly path: string;
  readonly calibration: readonly Sample[];
  readonly test: readonly Sample[];
  readonly labels?: readonly unknown[];
  /** File with the original's outputs on the test samples. */
  readonly outputs: string;
  /** What the original takes: the median that cells are measured against. */
  readonly latencyMs: number;
  /** Statistics file, or why there is none; absent where no cell needs it. */
  readonly statistics?: { readonly path: string } | { readonly problem: string };
}

/** Main thread → each worker, once. */
export interface SweepSetup {
  /** By name. */
  readonly models: Readonly<Record<string, ModelSetup>>;
  readonly options: CellOptions;
  /** Folder of the {@link CellStore}. */
  readonly store: string;
  /** Bytes that recovery may take for activations in one worker. */
  readonly memory: number;
  /** One entry, 1 as soon as workers are to stop. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}

/** A cell and what it is kept by. */
export interface KeyedCell {
  readonly cell: SweepCell;
  readonly key: string;
}

/** Main thread → worker: cells that take one pruned model. */
export type SweepTask = readonly KeyedCell[];

/** Worker → main thread: errors lose their class and fields on the way. */
export type SweepAnswer =
  | { readonly status: "done"; readonly rows: readonly MeasuredRow[] }
  | { readonly status: "stopped" }
  /** Trying again would not help. */
  | { readonly status: "failed"; readonly code: "usage" | "input" | "output"; readonly message: string };
