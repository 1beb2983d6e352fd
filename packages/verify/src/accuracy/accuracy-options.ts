import type { Tensor } from "@espalier/runtime";

/** Outputs of one run by name. */
export type Outputs = Readonly<Record<string, Tensor>>;

/** How right a model's answers are: by labels, or by a metric of the caller's. */
export type AccuracyOptions = LabelAccuracy | MetricAccuracy;

/** An answer is right when the label is among the `top` classes with the highest scores. */
export interface LabelAccuracy {
  /**
   * The class of every example, from 0; as many as the samples hold. A sample that is a batch holds one for each row of the
   * output.
   */
  readonly labels: ArrayLike<number>;
  /**
   * The output with the scores `[…, classes]`, or with the class itself as an integer.
   * @default the model's only output
   */
  readonly output?: string;
  /** How many of the best classes count as an answer, at least 1. @default 1 */
  readonly top?: number;
}

/** An answer is as right as a function says. */
export interface MetricAccuracy {
  /** Called once for each model and sample. */
  readonly metric: Metric;
  /** Handed to the metric one at a time, in the order of the samples. @default undefined for each */
  readonly labels?: ArrayLike<unknown>;
}

/**
 * Scores what a model put out for one sample: a finite number, larger is better, in the unit that the drop is to have; several
 * where the sample holds several examples. Its name is used in messages.
 *
 * @param label of this sample
 * @param sample index of the sample, from 0
 */
export type Metric = (
  outputs: Outputs,
  label: unknown,
  sample: number,
) => number | readonly number[] | Promise<number | readonly number[]>;
