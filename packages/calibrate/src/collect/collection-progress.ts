import type { Shard } from "./shard.js";

/** How far a calibration is. */
export interface CollectionProgress {
  /** Pass over the samples, from 1; Gram matrices may take several. */
  readonly pass: number;
  readonly passes: number;
  /** Shards of this pass; `total` is unknown for samples without a length. Shards that were taken over are not among them. */
  readonly shards: Done;
  /** Samples of these shards. */
  readonly samples: Done;
  /** Since this pass began. */
  readonly samplesPerSecond: number;
  /** Of this pass; absent where `total` is. */
  readonly secondsLeft?: number;
}

/** How many are finished, of how many. */
export interface Done {
  readonly done: number;
  readonly total?: number;
}

/** Counts what is finished in one pass, against the clock: the one place of this package that reads it. */
export class ProgressMeter {
  readonly #pass: Pick<CollectionProgress, "pass" | "passes">;
  readonly #total: WorkAhead | undefined;
  readonly #start = performance.now();
  #shards = 0;
  #samples = 0;

  /** @param total what this pass has to do, if it is known */
  constructor(pass: Pick<CollectionProgress, "pass" | "passes">, total: WorkAhead | undefined) {
    this.#pass = pass;
    this.#total = total;
  }

  /** Counts a finished shard and says how far that is. */
  finished(shard: Shard): CollectionProgress {
    this.#shards++;
    this.#samples += shard.samples.length;
    const seconds = (performance.now() - this.#start) / 1000;
    const left = this.#total && ((this.#total.samples - this.#samples) * seconds) / this.#samples;
    return {
      ...this.#pass,
      shards: { done: this.#shards, ...(this.#total && { total: this.#total.shards }) },
      samples: { done: this.#samples, ...(this.#total && { total: this.#total.samples }) },
      samplesPerSecond: seconds > 0 ? this.#samples / seconds : 0,
      ...(left !== undefined && { secondsLeft: left }),
    };
  }
}

/** What a pass has to do. */
export interface WorkAhead {
  readonly shards: number;
  readonly samples: number;
}

/**
 * What a pass has to do, where that is known without reading the samples.
 *
 * @param isNeeded whether a shard has to be run
 */
export function workAhead(
  samples: object,
  shardSize: number,
  isNeeded: (shard: number) => boolean,
): WorkAhead | undefined {
  const count = sampleCount(samples);
  if (count === undefined) return undefined;
  const sizes = Array.from({ length: Math.ceil(count / shardSize) }, (_, shard) =>
    isNeeded(shard) ? Math.min(shardSize, count - shard * shardSize) : 0,
  );
  return { shards: sizes.filter((size) => size > 0).length, samples: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Number of samples where that can be known without reading them: arrays, sets, and what has a `count`. */
function sampleCount(samples: object): number | undefined {
  const { length, size, count } = samples as { length?: unknown; size?: unknown; count?: unknown };
  return [length, size, count].find((value): value is number => Number.isSafeInteger(value));
}
