import type { Backend } from "@espalier/runtime";
import type { Interval } from "./accuracy/bootstrap.js";
import type { CertifiedWeightFinding } from "./certificate/audit-certificate.js";

/** What every check says, whatever came out. */
interface CheckBase {
  /** Stable, kebab-case: `pattern`, `kept-weights`, … */
  readonly name: string;
  /** One sentence: what was measured, and the weight, tensor or sample that decides. */
  readonly message: string;
  /** The numbers behind the message, of checks that have more than one. */
  readonly figures?: CheckFigures;
}

/** What was measured is within the limit. */
export interface PassedCheck extends CheckBase {
  readonly status: "passed";
  /**
   * A fraction of zeros for `sparsity`, a relative L2 distance for `outputs` and `backends`, a difference of mean scores for `accuracy`, bytes
   * for `bytes`, a ratio of times for `speedup`, a number of findings for the others.
   */
  readonly measured: number;
  /** The least that may be measured for `sparsity` and `speedup`; the most that may be measured for the others. */
  readonly limit: number;
}

/** What was measured is not within the limit, or cannot be measured because the pruned model is broken. */
export interface FailedCheck extends CheckBase {
  readonly status: "failed";
  /** As for {@link PassedCheck}; null when the failure left nothing to measure. */
  readonly measured: number | null;
  /** As for {@link PassedCheck}; null when the failure does not depend on a limit. */
  readonly limit: number | null;
}

/** Not judged; the message says why, and what to give so that it is. */
export interface SkippedCheck extends CheckBase {
  readonly status: "skipped";
  /** What was measured all the same, where only the limit is missing. */
  readonly measured: number | null;
  readonly limit: null;
}

/** One judgement about a pruned model. */
export type Check = PassedCheck | FailedCheck | SkippedCheck;

/** Numbers of one kind of check, told apart by `kind`. */
export type CheckFigures = SparsityFigures | OutputFigures | BackendFigures | AccuracyFigures | CertificateFigures;

/** What became of the weights that a certificate speaks of, in its order. */
export interface CertificateFigures {
  readonly kind: "certificate";
  readonly weights: readonly CertifiedWeightFinding[];
}

/** Fractions of zeros in the pruned model, each over its own denominator. */
export interface SparsityFigures {
  readonly kind: "sparsity";
  /** Over the entries of the weights that were pruned; 0 where none was. */
  readonly ofPruned: number;
  /** Over the entries of all prunable weights. */
  readonly ofPrunable: number;
  /** Over all parameters: the entries of every floating-point tensor and of every quantised prunable weight. */
  readonly ofAll: number;
}

/** Distances between the outputs of the two models. */
export interface OutputFigures {
  readonly kind: "outputs";
  /** How many samples were run. */
  readonly samples: number;
  /** Whether the samples were made up, because none were given. */
  readonly random: boolean;
  /** In the model's order. */
  readonly outputs: readonly OutputDistance[];
}

/** Distances between the outputs of the pruned model on one backend and on others. */
export interface BackendFigures {
  readonly kind: "backends";
  /** The backend that the others are compared with. */
  readonly first: Backend;
  /** How many samples were run. */
  readonly samples: number;
  /** In the order asked for. */
  readonly backends: readonly BackendFinding[];
}

/** What another backend makes of the pruned model: how far each output is from the first backend's, or why there is no saying. */
export type BackendFinding =
  | { readonly backend: Backend; readonly outputs: readonly OutputDistance[] }
  /** It does not open the model, stops at a sample, or puts out another shape or a NaN of its own. */
  | { readonly backend: Backend; readonly problem: string };

/** How right the answers of both models are, in the unit of the metric. */
export interface AccuracyFigures {
  readonly kind: "accuracy";
  /** `top-1 accuracy`, `top-5 accuracy`, or the name of the caller's metric. */
  readonly metric: string;
  /** How many scores each model got. */
  readonly examples: number;
  /** Mean score of each model; for labels a fraction in [0, 1]. */
  readonly original: number;
  readonly pruned: number;
  /** Mean of `original − pruned` over examples: positive where pruning did harm. */
  readonly drop: number;
  /** How many examples the pruned model scores lower on, and how many higher. */
  readonly worse: number;
  readonly better: number;
  /** Index of the example that lost most, the first of several; absent where none did. */
  readonly worstExample?: number;
  /** Paired bootstrap percentile interval of the drop. */
  readonly interval: Interval;
  /** Share of resamples that the interval holds, 0.95. */
  readonly level: number;
  /** How often the examples were drawn anew. */
  readonly resamples: number;
}

/**
 * How far one output of the pruned model is from the original's, over all samples. `o` is the original's output, `p` the pruned
 * model's; between backends `o` is the first backend's and `p` the other's.
 */
export interface OutputDistance extends RowFigures {
  readonly name: string;
  /** max |p − o| over all elements of all samples. */
  readonly maxAbs: number;
  /** √(Σ(p − o)² / Σo²) over all elements of all samples; Infinity when only `o` is all zeros. */
  readonly relativeL2: number;
  /** Mean over samples of Σpo / √(Σp² · Σo²), each output taken as one vector; 1 where both are zero, 0 where one is. */
  readonly meanCosine: number;
  /** Index of the sample with the largest relative L2 of its own, the first of several; from 0. */
  readonly worstSample: number;
  /** That sample's own relative L2. */
  readonly worstRelativeL2: number;
}

/** What rows of an output, along its last axis, have to say: of floating-point outputs with at least two entries in a row. */
export interface RowFigures {
  /** Fraction of rows whose highest entry is the same in both models, the first among equals. */
  readonly topAgreement?: number;
  /**
   * Kullback-Leibler divergence `Σ o · ln(o / p)` in nats, mean over rows; only where every row of both models is a
   * distribution: no entry below 0, and a sum of 1 to within 0.02.
   */
  readonly meanDivergence?: number;
}
