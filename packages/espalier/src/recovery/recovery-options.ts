import type { Sensitivity } from "@espalier/core";
import type { RecoveryMethod } from "@espalier/recover";

/** How pruning makes up for what it takes away. */
export interface RecoveryOptions {
  /**
   * How kept weights and biases change: `none` not at all; `bias` the mean of every layer's output; `scale` that and its standard
   * deviation; `obs` least squares on the inputs of the pruned model; `least-squares` least squares towards the outputs of the
   * dense model, biases too. All but `none` need `calibration`, and prune layer by layer.
   *
   * @default "least-squares" with `calibration`, "none" otherwise
   */
  readonly recover?: RecoveryMethod;
  /**
   * How the sparsity is divided among the weights: `uniform` each the same, `global` one ranking over normalised importance,
   * `owl` less for weights with many outliers, `sensitivity` measured: each weight pruned alone. Patterns that fix their sparsity
   * (N:M) take only `uniform`.
   *
   * @default "uniform"
   */
  readonly allocation?: "uniform" | "global" | "owl" | "sensitivity";
  /** For the allocation `sensitivity`: what `measureSensitivities` found before. @default measured anew */
  readonly sensitivities?: ReadonlyMap<string, Sensitivity>;
  /** How the sparsity grows over `steps`; needs `calibration` and a pattern that takes a sparsity. @default "oneshot" */
  readonly schedule?: "oneshot" | "gradual" | "cubic";
  /** Number of steps of the schedule, at least 2. @default 4 */
  readonly steps?: number;
  /**
   * The largest relative L2 error of the outputs on samples held back. A step of the schedule that exceeds it is undone, and
   * the result is as sparse as the one before; the first that does is an error. Needs `calibration`.
   *
   * @default no limit
   */
  readonly maxOutputError?: number;
  /** Gives weights without a bias one, so that it can be corrected: the graph changes then. @default false */
  readonly addBiases?: boolean;
  /** Most samples in one run of the model. @default 32 */
  readonly batch?: number;
  /** Worker threads; the result does not depend on it. @default the number of cores */
  readonly threads?: number;
  /** Bytes that activations may take in memory; what is beyond goes to temporary files. @default 2e9 */
  readonly memory?: number;
  /** Fraction of the mean diagonal of the inputs' Gram matrices that is added to them. @default 0.01, or chosen on held-back samples */
  readonly damping?: number;
  /**
   * File that keeps finished layers while the run goes on, so that it can be continued when it is killed; removed at the end. Used
   * with `calibration`.
   *
   * @default none
   */
  readonly progressFile?: string;
  /** Go on with what `progressFile` holds, if it is there; it must be of the same model, samples and options. @default false */
  readonly resume?: boolean;
}
