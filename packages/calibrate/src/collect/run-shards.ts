import type { Sum } from "../moment.js";
import type { Shard } from "./shard.js";
import type { ShardRunner } from "./shard-runner.js";

/**
 * Hands shards to runners, each its next one when it is done with the last. One shard is read ahead, so that at most
 * `runners.length + 1` are held, however many there are.
 *
 * The first failure stops everything: shards under way are stopped, the source is closed, runners are closed.
 *
 * @param onDone called once for every shard, in the order in which they finish
 * @throws what a runner, the source, `onDone` or the signal's reason says
 */
export async function runShards(
  shards: AsyncGenerator<Shard, void, undefined>,
  runners: readonly ShardRunner[],
  onDone: (shard: Shard, sums: readonly Sum[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  const queue = readAhead(shards);
  const lanes = runners.map(async (runner) => {
    for (;;) {
      stop.throwIfAborted();
      const next = await abortable(queue.next(), stop);
      if (next.done) return;
      onDone(next.value, await runner.run(next.value, stop));
    }
  });
  const results = await Promise.allSettled(
    lanes.map((lane) =>
      lane.catch((error) => {
        // Later failures are consequences of this one, or of the caller's signal.
        failure.abort(error);
        throw error;
      }),
    ),
  );
  await Promise.all(runners.map((runner) => runner.close()));
  if (results.every(({ status }) => status === "fulfilled")) return;
  queue.close();
  signal.throwIfAborted();
  throw failure.signal.reason;
}

/** The promise, or a rejection with the signal's reason if that comes first: a source may keep us waiting for ever. */
function abortable<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Reads one item before it is asked for. */
function readAhead<Item>(source: AsyncGenerator<Item, void, undefined>) {
  const read = () => {
    const result = source.next();
    // Whoever asks for it gets the failure; until then it is not an unhandled one.
    result.catch(() => {});
    return result;
  };
  let ahead = read();
  return {
    next: (): Promise<IteratorResult<Item, void>> => {
      const current = ahead;
      ahead = read();
      return current;
    },
    /** Lets the source clean up as soon as it can; nobody waits for it. */
    close: (): void => {
      source.return().catch(() => {});
    },
  };
}
