import type { Sum } from "../moment.js";
import type { Shard } from "./shard.js";

/** Something that turns shards into sums, one at a time. */
export interface ShardRunner {
  /**
   * @param signal ends the work early, after the current run of the model; the promise is rejected then
   * @returns one sum per probe
   */
  run(shard: Shard, signal: AbortSignal): Promise<readonly Sum[]>;
  /** Frees what it holds. */
  close(): Promise<void>;
}
