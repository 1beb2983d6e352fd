import type { Axis, ComparisonGroup } from "@espalier/core";
import type { Moments } from "../moments.js";

/** How what pruning takes from a layer is won back. */
export type RecoveryMethod =
  /** Not at all: the mask alone. */
  | "none"
  /** The mean output, by the bias. */
  | "bias"
  /** The mean output, and each output's standard deviation by a factor on its weights. */
  | "scale"
  /** The kept weights, so that the output comes closest to what the dense weights would give on the same inputs. */
  | "obs"
  /** The same, but closest to what the dense *model* computed there, with a pull to the dense weights. */
  | "least-squares";

/** The bits of a mask; `Mask` of core has this shape. */
export interface MaskBits {
  readonly length: number;
  /** In buffer order, least significant bit first, 1 = keep. */
  readonly bits: Uint8Array;
}

/** One weight to prune and compensate. Plain data: it can be sent to a worker. */
export interface LayerTask {
  /** Name of the weight, for messages. */
  readonly weight: string;
  readonly outChannels: number;
  readonly inFeatures: number;
  readonly groups: number;
  /** The buffer's axes, as `WeightView` has them. */
  readonly axes: readonly Axis[];
  /** Current weights in buffer order; zeros among them were pruned before, stay zero and go first. */
  readonly values: Float32Array | Float64Array;
  /** Original weights in buffer order: what they give is the target. */
  readonly dense: Float32Array | Float64Array;
  /** Moments of the inputs, one per group. */
  readonly fit: readonly Moments[];
  /** Moments of samples held back, one per group: λ is judged by them, and the last fit uses them too. */
  readonly held?: readonly Moments[];
  /** A given mask; absent where it is to be chosen by what removing each weight costs. */
  readonly mask?: MaskBits;
  /** A pattern as `parsePattern` takes it; a sparsity beside N:M, which fixes its own, is ignored. */
  readonly pattern: { readonly spec: string; readonly sparsity?: number; readonly group?: ComparisonGroup };
  readonly method: RecoveryMethod;
  /** Whether a bias may be changed. */
  readonly intercept: boolean;
  /** Damping as a fraction of the mean diagonal of the second moments, above 0. @default 0.01 */
  readonly damping?: number;
}

/** What became of a weight. */
export interface LayerSolution {
  readonly mask: MaskBits;
  /** In buffer order and the precision of `LayerTask.values`; +0 where pruned, always finite. */
  readonly values: Float32Array | Float64Array;
  /**
   * f64 `[outChannels]`, to be added to the bias of the *dense* layer: the mean of `W_d x_d − W x_p`. Zeros for method `none`
   * and without an intercept.
   */
  readonly biasChange: Float64Array;
  readonly report: LayerReport;
}

/** What it took, and how good it is. */
export interface LayerReport {
  /** Damping that was needed, the largest over groups: more than asked for where that was not enough. */
  readonly damping: number;
  /** The pull towards the dense weights in the last fit, as a fraction of the mean diagonal; for `obs` the damping. */
  readonly lambda: number;
  /**
   * Relative squared output error of the masked `values` without any correction: `‖W x_p − W_d x_d‖²` over `‖W_d x_d‖²` about
   * its mean, on the held-back samples where there are any. Where the inputs of the two models differ, both leave out the
   * part of the dense output that no weights could predict from `x_p`.
   */
  readonly errorBefore: number;
  /** The same for the result with its bias. The last fit has seen the held-back samples too. */
  readonly errorAfter: number;
  /** What solved the last fit: one factorization per set of kept inputs, conjugate gradients, or nothing. */
  readonly solver: "cholesky" | "cg" | "none";
  /** Iterations of conjugate gradients, in all. */
  readonly iterations: number;
  /** Input features that never varied (were never active, without an intercept), over all groups. */
  readonly deadInputs: number;
  /** Sentences about what makes the result less certain. */
  readonly warnings: readonly string[];
}
