/** A step of a running pipeline: `done` of `total` items of a phase are finished. */
export interface ProgressEvent {
  /**
   * `calibrate` running samples, `sensitivity` pruning each weight alone, `masks` choosing what goes, `recover` running stage
   * by stage and making up for it, `apply` setting it to zero, `count` counting zeros, `tune` timing the forms of block-sparse
   * products, `measure` sizes and loading of an exported model, `write` writing the file, `verify` the checks of `verify`;
   * in a sweep `original` running the unpruned model, `sweep` cells, `best` making the model that the budget chose.
   */
  readonly phase:
    | "calibrate"
    | "sensitivity"
    | "masks"
    | "recover"
    | "apply"
    | "count"
    | "tune"
    | "measure"
    | "write"
    | "verify"
    | "original"
    | "sweep"
    | "best";
  readonly done: number;
  /** Absent where it is not known beforehand, as for samples that a generator makes. */
  readonly total?: number;
  /** What was just finished: a shard, a weight, a check. */
  readonly item?: string;
}

/** Gives other work, an interrupt above all, a turn between two long synchronous steps; throws when `signal` aborted. */
export async function breathe(signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}
