import { describe, expect, it } from "vitest";
import type { Sum } from "../moment.js";
import { runShards } from "./run-shards.js";
import type { Shard } from "./shard.js";
import type { ShardRunner } from "./shard-runner.js";

const never = new AbortController().signal;
const sumOf = (shard: Shard): readonly Sum[] => [{ count: shard.index, values: new Float64Array(1) }];

/** A source that counts what has left it and knows whether it was closed. */
function source(count: number) {
  const state = { read: 0, closed: false };
  async function* shards(): AsyncGenerator<Shard, void, undefined> {
    try {
      for (let index = 0; index < count; index++) {
        state.read++;
        yield { index, first: index, samples: [{}] };
      }
    } finally {
      state.closed = true;
    }
  }
  return { state, shards: shards() };
}

/** A runner whose shards are finished by hand. */
function manualRunner() {
  const running = new Map<number, { finish: () => void; fail: (error: unknown) => void }>();
  let wake = () => {};
  const state = { closed: false };
  const runner: ShardRunner = {
    run: (shard, signal) =>
      new Promise((resolve, reject) => {
        running.set(shard.index, { finish: () => resolve(sumOf(shard)), fail: reject });
        signal.addEventListener("abort", () => reject(new Error("given up")));
        wake();
      }),
    close: async () => {
      state.closed = true;
    },
  };
  const started = async (shard: number) => {
    while (!running.has(shard)) await new Promise<void>((resolve) => (wake = resolve));
    return running.get(shard)!;
  };
  return { runner, state, started };
}

const immediate: ShardRunner = { run: async (shard) => sumOf(shard), close: async () => {} };

describe("runShards", () => {
  it.each([1, 2, 3, 7])("gives every shard once, with %i runners", async (count) => {
    const done: number[] = [];
    const runners = Array.from({ length: count }, () => immediate);
    await runShards(source(20).shards, runners, (shard, [sum]) => done.push(shard.index, sum!.count), never);
    expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => Math.floor(index / 2)));
  });

  it("holds at most one shard more than there are runners, however many there are", async () => {
    const { state, shards } = source(1000);
    let done = 0;
    let most = 0;
    const runner: ShardRunner = {
      run: async (shard) => {
        most = Math.max(most, state.read - done);
        return sumOf(shard);
      },
      close: async () => {},
    };
    await runShards(shards, [runner, runner, runner], () => done++, never);
    expect(done).toBe(1000);
    expect(most).toBeLessThanOrEqual(4);
  });

  it("keeps the others at work while one takes long", async () => {
    const slow = manualRunner();
    const done: number[] = [];
    const run = runShards(source(5).shards, [slow.runner, immediate], ({ index }) => done.push(index), never);
    const { finish } = await slow.started(0);
    while (done.length < 4) await new Promise((resolve) => setImmediate(resolve));
    finish();
    await run;
    expect(done).toEqual([1, 2, 3, 4, 0]);
  });

  it("stops at the first failure: gives up what runs, reads no more, closes source and runners", async () => {
    const [a, b] = [manualRunner(), manualRunner()];
    const { state, shards } = source(100);
    const run = runShards(shards, [a.runner, b.runner], () => {}, never);
    const [first] = await Promise.all([a.started(0), b.started(1)]);
    first.fail(new Error("broken"));
    await expect(run).rejects.toThrow("broken");
    expect(state.read).toBe(3);
    await new Promise((resolve) => setImmediate(resolve));
    expect([state.closed, a.state.closed, b.state.closed]).toEqual([true, true, true]);
  });

  it("passes on what the source throws, after what was read before is done", async () => {
    async function* broken(): AsyncGenerator<Shard, void, undefined> {
      yield { index: 0, first: 0, samples: [{}] };
      throw new Error("no more disk");
    }
    const done: number[] = [];
    await expect(runShards(broken(), [immediate], ({ index }) => done.push(index), never)).rejects.toThrow(
      "no more disk",
    );
    expect(done).toEqual([0]);
  });

  it("passes on what the receiver of sums throws", async () => {
    const run = runShards(source(3).shards, [immediate], () => { throw new Error("disk full"); }, never); // biome-ignore format: one line
    await expect(run).rejects.toThrow("disk full");
  });

  it("ends with the reason of the caller's signal, also when the source keeps it waiting for ever", async () => {
    const controller = new AbortController();
    async function* silent(): AsyncGenerator<Shard, void, undefined> {
      await new Promise(() => {});
      yield* source(1).shards;
    }
    const run = runShards(silent(), [immediate], () => {}, controller.signal);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(run).rejects.toBe(reason);
  });

  it("starts nothing when the signal was aborted before", async () => {
    const { state, shards } = source(3);
    await expect(runShards(shards, [immediate], () => {}, AbortSignal.abort("no"))).rejects.toBe("no");
    expect(state.read).toBeLessThanOrEqual(1);
  });
});
