/**
 * Second moments of what one group of a weight's input features sees, over `count` positions (tokens, pixels).
 *
 * `x` is the input in the pruned model so far, `d` the input at the same position in the dense model; K = `inFeatures`.
 */
export interface Moments {
  /** Positions summed over, at least 1. */
  readonly count: number;
  /** `Σ x xᵀ`, f64, row-major `[K, K]`, symmetric. */
  readonly gram: Float64Array;
  /** `Σ x dᵀ`, f64, row-major `[K, K]`: rows are features of `x`. Absent where both models see the same. */
  readonly cross?: Float64Array;
  /** `Σ x`, f64 `[K]`. */
  readonly sum: Float64Array;
  /** `Σ d`, f64 `[K]`; equal to `sum` where `cross` is absent. */
  readonly denseSum: Float64Array;
  /** What is added to the weight's output and is something else in the dense model. @default nothing is known of such */
  readonly drift?: Drift;
}

/**
 * A residual connection: behind the weight stands `W x + s`, where `s` comes from earlier layers. With δ = `s` in the dense model −
 * `s` in the pruned one, a weight that aims at `W_d d + δ` makes up for what earlier layers lost. Only for weights of one group.
 */
export interface Drift {
  /** `Σ x δᵀ`, f64, row-major `[K, outChannels]`. */
  readonly cross: Float64Array;
  /** `Σ δ`, f64 `[outChannels]`. */
  readonly sum: Float64Array;
}
