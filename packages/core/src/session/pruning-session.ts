import { computeMasks, type MaskRequest, requireSupport } from "../compute-masks.js";
import { CoreError } from "../errors.js";
import type { Mask } from "../mask/mask.js";
import { zeroPruned } from "../mask/zero-pruned.js";
import type { Schedule } from "../schedules/schedule.js";
import type { WeightView } from "../weight-view.js";
import { latestPruningStep } from "./latest-pruning-step.js";
import { requireFit } from "./require-fit.js";
import { withoutRegrowth } from "./without-regrowth.js";

/** What a {@link PruningSession} prunes, and when. */
export interface PruningSessionOptions extends MaskRequest {
  /** The weights in training, such as `denseMatrix` makes; read at every pruning step, when they must hold current values. */
  readonly weights: readonly WeightView[];
  /** Its final sparsity is the pattern's. A pattern that fixes its sparsity (N:M) takes only a schedule with one pruning step. */
  readonly schedule: Schedule;
}

/**
 * Pruning inside a training loop of any framework. In every step, after the optimiser: `step` computes the masks anew when
 * the schedule says so, then `apply` sets the pruned entries of each weight to zero, because the optimiser moved them.
 *
 * A pruned entry never comes back, whatever the optimiser wrote into it: later masks keep no entry that an earlier one
 * pruned, and sparsity grows exactly as the schedule says.
 */
export class PruningSession {
  readonly #options: PruningSessionOptions;
  #masks: ReadonlyMap<string, Mask>;
  #lastStep: number | undefined;

  /**
   * @throws {CoreError} `unsupported` with every weight that cannot take the pattern or has no statistics;
   *   `invalid-schedule` when schedule and pattern do not fit; `duplicate-weight`
   */
  constructor(options: PruningSessionOptions) {
    requireFit(options.pattern, options.schedule);
    requireSupport(options.weights, options);
    this.#options = options;
    this.#masks = new Map();
  }

  /**
   * Tells the session that training reached a step. Call it once per step; where steps were left out (a resumed run),
   * the latest pruning step among them is made up for.
   *
   * @param step not before the last one
   * @returns whether the masks are new
   * @throws {CoreError} `invalid-argument` when the step is no integer or goes back; `not-finite` when training diverged
   */
  step(step: number): boolean {
    const last = this.#lastStep;
    if (!Number.isSafeInteger(step) || (last !== undefined && step < last)) {
      const expected = last === undefined ? "an integer" : `an integer from ${last}, the last step`;
      throw new CoreError("invalid-argument", `the session was given step ${step}, expected ${expected}`);
    }
    const { schedule } = this.#options;
    const pruningStep = latestPruningStep(schedule, last === undefined ? schedule.start : last + 1, step);
    if (pruningStep !== undefined) this.#prune(schedule.sparsityAt(pruningStep));
    this.#lastStep = step;
    return pruningStep !== undefined;
  }

  /**
   * Sets the pruned entries of a weight to +0 in place; before the first pruning step there are none.
   *
   * @param values in the order of the weight's view; need not be the array that the view reads
   * @throws {CoreError} `unknown-weight`; `shape-mismatch`
   */
  apply(name: string, values: Float32Array | Float64Array): void {
    const mask = this.mask(name);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    if (mask) zeroPruned(bytes, values instanceof Float32Array ? 4 : 8, mask);
  }

  /**
   * The current mask of a weight; undefined before the first pruning step.
   *
   * @throws {CoreError} `unknown-weight`
   */
  mask(name: string): Mask | undefined {
    const mask = this.#masks.get(name);
    if (mask || this.#options.weights.some((view) => view.name === name)) return mask;
    throw new CoreError("unknown-weight", `the session has no weight "${name}"`, { weight: name });
  }

  #prune(sparsity: number): void {
    const { weights, criterion, pattern } = this.#options;
    const computed = computeMasks(weights, {
      ...this.#options,
      criterion: withoutRegrowth(criterion, this.#masks),
      pattern: pattern.withSparsity?.(sparsity) ?? pattern,
    });
    this.#masks = new Map(Array.from(computed, ([name, { mask }]) => [name, mask]));
  }
}
