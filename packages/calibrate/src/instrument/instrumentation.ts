import type { Model } from "@espalier/onnx";
import type { Probe } from "../probe.js";

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /**
   * Name of an input `[batch, seq]` that says which tokens count: those where it is not 0. Other inputs that declare their
   * first two sizes as it does (same names, same numbers, or neither) have the same axes.
   *
   * It holds for weights whose inputs have one position for each token. Where there is one for each sample (behind
   * pooling) or each pixel, all count. A weight of which that cannot be told is unsupported.
   * @default none: all positions count
   */
  readonly mask?: string;
  /** Also Gram matrices: of all weights, or of those with these names. @default false */
  readonly gram?: boolean | ReadonlySet<string>;
  /**
   * Where the model will run: true when ONNX Runtime keeps values of convolutions in blocks of channels there (its native
   * CPU provider on x64 does, WebAssembly and others do not). Only speed depends on it, and the last bits of the sums.
   * @default false
   */
  readonly blocked?: boolean;
}

/** A weight that is not measured. */
export interface UnsupportedWeight {
  readonly name: string;
  /** Why, as one sentence that completes "it cannot be measured:". */
  readonly reason: string;
}

/** A model that computes statistics of the inputs of its weights while it runs. */
export interface Instrumentation {
  /** The model with more nodes and outputs; its own outputs are as before. The model itself where nothing is measured. */
  readonly model: Model;
  /** What it puts out, in the order in which the model computes it. Plain data. */
  readonly probes: readonly Probe[];
  /** Weights without sums of squares, in the order in which they were given. */
  readonly unsupported: readonly UnsupportedWeight[];
  /** Weights without Gram matrices, where those were asked for. */
  readonly withoutGram: readonly UnsupportedWeight[];
}

/** Bytes of a weight's Gram matrices in one run's output: float32 `[groups, inFeatures, inFeatures]`. */
export function gramBytes({ groups, inFeatures }: { readonly groups: number; readonly inFeatures: number }): number {
  return 4 * groups * inFeatures ** 2;
}
