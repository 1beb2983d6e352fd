import type { SamplesSeen } from "../file/statistics-file.js";
import { StatisticsError } from "../statistics-error.js";
import { describeShard, type Shard } from "./shard.js";

/** What earlier readings of the samples found: sums of other samples must not be added to theirs. */
export interface EarlierSamples extends SamplesSeen {
  /** Who read them, for messages: a file, or an earlier pass. */
  readonly name: string;
}

/** Which samples were read, shard by shard, compared with what was read before. */
export class SampleLog {
  readonly #digest: (shard: Shard) => string;
  readonly #earlier: EarlierSamples | undefined;
  readonly #shards: string[] = [];
  #count = 0;
  #complete = false;

  /** @param digest of a shard's samples */
  constructor(digest: (shard: Shard) => string, earlier?: EarlierSamples) {
    this.#digest = digest;
    this.#earlier = earlier;
  }

  /** What was read, now or earlier: whichever came further. */
  get seen(): SamplesSeen {
    const earlier = this.#earlier;
    if (earlier && (earlier.shards.length > this.#shards.length || earlier.complete)) {
      return { count: earlier.count, shards: earlier.shards, complete: earlier.complete };
    }
    return { count: this.#count, shards: [...this.#shards], complete: this.#complete };
  }

  /** @throws {StatisticsError} `other-samples` */
  add(shard: Shard): void {
    const digest = this.#digest(shard);
    const { name, shards, complete } = this.#earlier ?? { name: "", shards: [], complete: false };
    const before = shards[shard.index];
    if (before === undefined ? complete : before !== digest) {
      const known =
        before === undefined ? `ends before ${describeShard(shard)}` : `has other samples in ${describeShard(shard)}`;
      throw differs(`${name} ${known}`, shard.index);
    }
    this.#shards.push(digest);
    this.#count += shard.samples.length;
  }

  /** Says that there are no more. @throws {StatisticsError} `other-samples`, `no-samples` */
  end(): void {
    if (this.#count === 0) throw new StatisticsError("no-samples", "There are no samples; expected at least one.");
    const { name, shards } = this.#earlier ?? { name: "", shards: [] };
    if (shards.length > this.#shards.length) {
      throw differs(
        `${name} has ${shards.length} shards of samples, and these end after ${this.#shards.length}`,
        this.#shards.length,
      );
    }
    this.#complete = true;
  }
}

function differs(what: string, shard: number): StatisticsError {
  const message = `The samples are not those from before: ${what}. Use the same samples in the same order, or start anew.`;
  return new StatisticsError("other-samples", message, { shard });
}
