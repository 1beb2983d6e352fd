import type { Shard } from "./shard.js";

/** How far a calibration is. */
export interface CollectionProgress {
  /** Pass over the samples, from 1; Gram matrices may take several. */
  readonly pass: number;
  readonly passes: number;
  /** Shards of this pass that are finished, and how many there are; the latter is unknown for samples without a length. */
  readonly shards: { readonly done: number; readonly total?: number };
  /** Samples of this pass that have run. */
  readonly samples: number;
  /** Since this pass began. */
  readonly samplesPerSecond: number;
  /** Of this pass; absent where the number of shards is unknown. */
  readonly secondsLeft?: number;
}

/** Counts what is finished in one pass, against the clock: the one place of this package that reads it. */
export class ProgressMeter {
  readonly #pass: Pick<CollectionProgress, "pass" | "passes">;
  readonly #total: number | undefined;
  readonly #start = performance.now();
  #shards = 0;
  #samples = 0;

  /** @param total number of shards that this pass runs, if it is known */
  constructor(pass: Pick<CollectionProgress, "pass" | "passes">, total: number | undefined) {
    this.#pass = pass;
    this.#total = total;
  }

  /** Counts a finished shard and says how far that is. */
  finished(shard: Shard): CollectionProgress {
    this.#shards++;
    this.#samples += shard.samples.length;
    const seconds = (performance.now() - this.#start) / 1000;
    const left = this.#total === undefined ? undefined : ((this.#total - this.#shards) * seconds) / this.#shards;
    return {
      ...this.#pass,
      shards: { done: this.#shards, ...(this.#total !== undefined && { total: this.#total }) },
      samples: this.#samples,
      samplesPerSecond: seconds > 0 ? this.#samples / seconds : 0,
      ...(left !== undefined && { secondsLeft: left }),
    };
  }
}

/** Number of samples where that can be known without reading them: arrays, sets, and what has a `count`. */
export function sampleCount(samples: object): number | undefined {
  const { length, size, count } = samples as { length?: unknown; size?: unknown; count?: unknown };
  return [length, size, count].find((value): value is number => Number.isSafeInteger(value));
}
