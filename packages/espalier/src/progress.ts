/** A step of a running pipeline: `done` of `total` items of a phase are finished. */
export interface ProgressEvent {
  /** `masks` choosing what goes, `count` counting zeros, `write` writing the file, `verify` the checks of `verify`. */
  readonly phase: "masks" | "count" | "write" | "verify";
  readonly done: number;
  readonly total: number;
  /** What was just finished: a weight, a check. */
  readonly item?: string;
}

/** Gives other work, an interrupt above all, a turn between two long synchronous steps; throws when `signal` aborted. */
export async function breathe(signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}
