import type { Interval } from "@espalier/verify";
import type { SkippedWeight } from "../choose-masks.js";

/** What a sweep found: plain data, the same as its JSON document. */
export interface SweepResult {
  readonly version: 1;
  /** One for each model, in the order given. */
  readonly originals: readonly SweptModel[];
  /** One for each cell: model by model, then criterion, pattern, sparsity, format, in the order given. */
  readonly rows: readonly SweepRow[];
  /** How many samples criteria and recovery saw, and how many both models were compared on. */
  readonly samples: { readonly calibration: number; readonly test: number };
  /** What scores mean; absent where there were neither labels nor a metric. */
  readonly metric?: string;
  /** What the budget asked for, and the row that meets it with the smallest drop (without labels: output error); null where none does. */
  readonly budget?: { readonly text: string; readonly best: number | null };
  /** The command that makes it again. */
  readonly command: string;
}

/** An unpruned model as it came. */
export interface SweptModel {
  /** File name without `.onnx`; what rows refer to. */
  readonly name: string;
  readonly bytes: number;
  readonly gzipBytes: number;
  /** Median of one sample, one thread. */
  readonly latencyMs: number;
  /** Mean score and its standard error; absent without labels or metric. */
  readonly score?: Score;
}

/** A mean over test samples. */
export interface Score {
  readonly mean: number;
  readonly standardError: number;
}

/** What makes a cell. */
export interface SweepCell {
  /** Name of a {@link SweptModel}. */
  readonly model: string;
  /** As on the command line: `l1`, `wanda`, `obs`, `obs+least-squares`, … */
  readonly criterion: string;
  /** Its form without sparsity: `unstructured`, `2:4`, `block:16x4`, `blocks:32x256`, … */
  readonly pattern: string;
  /** Fraction of zeros asked for, in [0, 1); of N:M what it fixes. */
  readonly sparsity: number;
  /** How the file is stored: `dense`, `auto`, `bitmask`, `blocks`, … */
  readonly format: string;
}

/** One cell and what became of it. */
export type SweepRow = FinishedRow | RefusedRow;

/** A cell that cannot be made or measured: a pattern that fits no weight, a format that cannot hold it, an output all zeros in the original. */
export interface RefusedRow extends SweepCell {
  readonly status: "refused";
  readonly reason: string;
}

/** A pruned model, measured. */
export interface FinishedRow extends SweepCell {
  readonly status: "done";
  /** Fractions of zeros, each over its own denominator. */
  readonly zeros: { readonly ofPruned: number; readonly ofPrunable: number; readonly ofAll: number };
  /** Largest relative L2 distance of an output from the original's, over all test samples. */
  readonly outputError: number;
  /** Mean cosine of the output that has that distance. */
  readonly cosine: number;
  /** Absent without labels or metric. */
  readonly accuracy?: SweptAccuracy;
  readonly bytes: number;
  readonly gzipBytes: number;
  /** The original's `latencyMs` over the ratio of `speedup`: other work on the machine, which slows both, is not in it. */
  readonly latencyMs: number;
  /** Of the original's median time over this one's, with its 95 % interval. */
  readonly speedup: { readonly ratio: number; readonly interval: Interval };
  /** The pruned weights, in the model's order. */
  readonly layers: readonly SweptLayer[];
  /** Weights that stayed dense because they cannot take the pattern. */
  readonly skipped: readonly SkippedWeight[];
  /**
   * Whether no other finished row of this model is at least as good in error (drop, without labels output error), bytes and latency
   * and better in one. Latencies count as different where the intervals of their speedups are apart, bytes from 0.1 % on.
   */
  readonly pareto: boolean;
  /** What the cell took, in seconds. */
  readonly seconds: number;
}

/** Score against the original on the same samples. */
export interface SweptAccuracy extends Score {
  /** Mean of `original − pruned`, positive = worse, with the 95 % paired bootstrap interval. */
  readonly drop: number;
  readonly interval: Interval;
}

/** One pruned weight. */
export interface SweptLayer {
  readonly name: string;
  /** How many, zeros included. */
  readonly entries: number;
  /** Fraction of zeros. */
  readonly sparsity: number;
  /** `‖W − W′‖ / ‖W‖` over all entries: how far its values moved, recovery included; 1 where `W` is all zeros and `W′` is not. */
  readonly weightError: number;
}
