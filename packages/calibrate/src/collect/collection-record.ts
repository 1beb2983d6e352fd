import type { StatisticsFile } from "../file/statistics-file.js";
import type { Moment, Sum } from "../moment.js";
import type { Probe } from "../probe.js";
import { SumLedger } from "../sum-ledger.js";
import { type EarlierSamples, SampleLog } from "./sample-log.js";
import type { Shard } from "./shard.js";

/** The part of a statistics file that grows. */
export type Recorded = Pick<StatisticsFile, "samples" | "moments">;

/** What has been measured so far, and on which samples. */
export class CollectionRecord {
  readonly #digest: (shard: Shard) => string;
  readonly #ledgers: ReadonlyMap<string, SumLedger>;
  #earlier: EarlierSamples | undefined;
  #log: SampleLog;

  /** @param digest of a shard's samples, by which it is known again */
  constructor(moments: readonly Moment[], digest: (shard: Shard) => string) {
    this.#digest = digest;
    this.#ledgers = new Map(moments.map((moment) => [keyOf(moment), new SumLedger(moment)]));
    this.#log = new SampleLog(digest);
  }

  /** Takes over the shards of an earlier run, which is known to go with this one. Before the first sample is read. */
  takeOver(name: string, file: Recorded): void {
    for (const moment of file.moments) this.#ledgers.get(keyOf(moment))!.absorb(moment);
    this.#earlier = { name, ...file.samples };
    this.#log = new SampleLog(this.#digest, this.#earlier);
  }

  /**
   * The shards of one pass that are still to be run. Each shard is compared with what was read before.
   *
   * @param selected whether a shard is to be run here
   * @throws {StatisticsError} `other-samples`, `no-samples`
   */
  async *missing(
    shards: AsyncIterable<Shard>,
    probes: readonly Probe[],
    selected: (shard: number) => boolean,
  ): AsyncGenerator<Shard, void, undefined> {
    this.#log = new SampleLog(this.#digest, this.#earlier);
    for await (const shard of shards) {
      this.#log.add(shard);
      if (selected(shard.index) && probes.some((probe) => !this.#ledger(probe).has(shard.index))) yield shard;
    }
    this.#log.end();
    this.#earlier = { name: this.#earlier?.name ?? "an earlier pass", ...this.#log.seen };
  }

  /** @param sums one per probe */
  add(shard: Shard, probes: readonly Probe[], sums: readonly Sum[]): void {
    for (const [index, probe] of probes.entries()) {
      const ledger = this.#ledger(probe);
      // A resumed file may have some of the sums of a pass that is cut differently now.
      if (!ledger.has(shard.index)) ledger.add(shard.index, sums[index]!);
    }
  }

  /** Whether every sum of these probes has this shard. */
  has(shard: number, probes: readonly Probe[]): boolean {
    return probes.every((probe) => this.#ledger(probe).has(shard));
  }

  /** What is in now; later shards do not change it. */
  snapshot(): Recorded {
    return { samples: this.#log.seen, moments: [...this.#ledgers.values()].map((ledger) => ledger.snapshot()) };
  }

  #ledger(moment: Moment): SumLedger {
    return this.#ledgers.get(keyOf(moment))!;
  }
}

/** A weight is in one sum of each kind. */
function keyOf({ kind, weights }: Moment): string {
  return `${kind} ${weights[0]!.name}`;
}
