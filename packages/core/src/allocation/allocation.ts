/** A weight as an allocation sees it. */
export interface AllocatableWeight {
  /** Unique among the weights of a request. */
  readonly name: string;
  /** Number of entries, at least 1. */
  readonly total: number;
  /**
   * The smallest number of entries by which the pattern lets the weight's zeros change, such as 1 for unstructured per layer
   * and the number of out channels per row; `total / step` is a whole number. See `sparsityStep`.
   */
  readonly step: number;
  /**
   * What one pruned entry saves, above 0: 1 for parameters, bytes of an entry, or multiplications that read it. The target is
   * then that fraction of what all entries cost together.
   *
   * @default 1
   */
  readonly cost?: number;
}

/** What strategies decide by. Each reads one member, and names it in `needs`. */
export interface AllocationEvidence {
  /**
   * For `global`: the importance of a weight's entries, f32 ≥ 0 in any order, as many as its `total`. Called several times for
   * each weight; an array has to be valid only until the next call.
   */
  readonly importance?: (name: string) => Float32Array;
  /** For `owl`. */
  readonly outliers?: OutlierEvidence;
  /** For `sensitivity`: what was measured, for every weight. */
  readonly sensitivity?: ReadonlyMap<string, Sensitivity>;
}

/** How outliers are spread over the weights. */
export interface OutlierEvidence {
  /** For every weight its `outlierShare`, a fraction in [0, 1]. The paper gives all weights of a transformer block one share. */
  readonly shares: ReadonlyMap<string, number>;
  /** λ: the farthest that a weight's sparsity is from the target, in [0, 1). @default 0.08 */
  readonly spread?: number;
}

/** What pruning one weight alone does to the model's output. */
export interface Sensitivity {
  /** Fractions of zeros in [0, 1), ascending. Sparsity 0 with error 0 need not be among them. */
  readonly sparsities: readonly number[];
  /** The error at each, ≥ 0, in any unit that can be added over weights, such as a squared distance. */
  readonly errors: readonly number[];
}

/** A weight with all sizes in units of cost. */
export interface Share {
  readonly name: string;
  /** Number of entries. */
  readonly total: number;
  /** What all entries cost. */
  readonly size: number;
  /** What the entries of one step cost. */
  readonly step: number;
  /** The most steps that may go. */
  readonly mostSteps: number;
  /** All steps. */
  readonly steps: number;
}

/** What is to go. */
export interface AllocationGoal {
  /** The target, a fraction in [0, 1). */
  readonly sparsity: number;
  /** What the pruned entries must cost together. */
  readonly amount: number;
}

/** Decides how much of each weight goes. To add one: a file in this folder, a line in `registry.ts`, and tests. */
export interface AllocationStrategy {
  /** As the command line writes it. */
  readonly name: string;
  /** The evidence that it reads; absent where it needs none. */
  readonly needs?: keyof AllocationEvidence;
  /**
   * How much of each weight should go, in units of cost and in the order of `shares`: real numbers from 0 to
   * `mostSteps · step` that add up to the goal's amount as nearly as those limits allow. Rounding to steps comes after it.
   *
   * @param evidence holds what `needs` names
   */
  amounts(shares: readonly Share[], goal: AllocationGoal, evidence: AllocationEvidence): readonly number[];
}
