import type { Sample } from "@espalier/runtime";
import type { Samples, Shard } from "./shard.js";

/**
 * Cuts samples into shards of `size` as they are asked for; only the samples of one shard are held here.
 *
 * @param check is handed every sample and its index; what it returns is used
 */
export async function* cutShards(
  samples: Samples,
  size: number,
  check: (sample: unknown, index: number) => Sample,
): AsyncGenerator<Shard, void, undefined> {
  let index = 0;
  let first = 0;
  let group: Sample[] = [];
  for await (const sample of samples) {
    group.push(check(sample, first + group.length));
    if (group.length < size) continue;
    yield { index, first, samples: group };
    index++;
    first += size;
    group = [];
  }
  if (group.length > 0) yield { index, first, samples: group };
}
