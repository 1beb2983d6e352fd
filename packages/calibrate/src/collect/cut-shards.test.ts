import type { Sample } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import { cutShards } from "./cut-shards.js";
import type { Shard } from "./shard.js";

const sample = (value: number): Sample => ({ x: { dtype: "float32", dims: [1], data: Float32Array.of(value) } });
const samples = (count: number) => Array.from({ length: count }, (_, index) => sample(index));
const asIs = (value: unknown) => value as Sample;

async function collect(shards: AsyncIterable<Shard>): Promise<Shard[]> {
  const all: Shard[] = [];
  for await (const shard of shards) all.push(shard);
  return all;
}

describe("cutShards", () => {
  it.each([
    [0, []],
    [1, [1]],
    [3, [3]],
    [4, [3, 1]],
    [6, [3, 3]],
    [8, [3, 3, 2]],
  ])("cuts %i samples by threes", async (count, sizes) => {
    const shards = await collect(cutShards(samples(count), 3, asIs));
    expect(shards.map((shard) => shard.samples.length)).toEqual(sizes);
    expect(shards.map(({ index, first }) => [index, first])).toEqual(sizes.map((_, index) => [index, 3 * index]));
    expect(shards.flatMap((shard) => shard.samples)).toEqual(samples(count));
  });

  it("reads async iterables alike", async () => {
    async function* slowly() {
      for (const one of samples(4)) yield one;
    }
    expect(await collect(cutShards(slowly(), 3, asIs))).toEqual(await collect(cutShards(samples(4), 3, asIs)));
  });

  it("reads no sample before its shard is asked for, and none behind it", async () => {
    let read = 0;
    function* counted() {
      for (const one of samples(100)) {
        read++;
        yield one;
      }
    }
    const shards = cutShards(counted(), 4, asIs);
    expect(read).toBe(0);
    await shards.next();
    expect(read).toBe(4);
    await shards.next();
    expect(read).toBe(8);
  });

  it("hands each sample to the check with its index, and uses what comes back", async () => {
    const seen: number[] = [];
    const [shard] = await collect(
      cutShards(samples(3), 3, (_, index) => {
        seen.push(index);
        return sample(-index);
      }),
    );
    expect(seen).toEqual([0, 1, 2]);
    expect(shard!.samples[2]).toEqual(sample(-2));
  });

  it("closes the samples when it is closed", async () => {
    let closed = false;
    function* guarded() {
      try {
        yield* samples(10);
      } finally {
        closed = true;
      }
    }
    const shards = cutShards(guarded(), 2, asIs);
    await shards.next();
    await shards.return();
    expect(closed).toBe(true);
  });
});
