import { StatisticsError, type StatisticsErrorCode } from "../statistics-error.js";
import type { StatisticsFile } from "./statistics-file.js";

/** What decides whether sums may be added: everything but the sums. */
export type RunIdentity = Pick<StatisticsFile, "model" | "options" | "moments"> & {
  readonly samples: Pick<StatisticsFile["samples"], "shards" | "complete">;
};

/**
 * Refuses files (or a file and a run) that do not belong together, saying what differs.
 *
 * @param name of the file, for messages
 * @param file what is to be continued or merged
 * @param run what it is to go with; its samples may not be known to the end yet
 * @param other how messages call `run`, such as `this run` or the name of another file
 * @throws {StatisticsError} `other-model`, `other-options`, `other-samples`
 */
export function requireSameRun(name: string, file: RunIdentity, run: RunIdentity, other: string): void {
  const refuse = (code: StatisticsErrorCode, what: string, context = {}) =>
    new StatisticsError(code, `${name} does not go with ${other}: ${what}.`, { path: name, ...context });
  if (file.model.weights !== run.model.weights) throw refuse("other-model", "the model's weights differ");
  if (file.model.graph !== run.model.graph) {
    throw refuse("other-model", "the model's graph differs, though its weights are the same");
  }
  for (const option of ["batch", "shardSize", "mask"] as const) {
    const [here, there] = [file.options[option], run.options[option]];
    if (here !== there)
      throw refuse("other-options", `option ${option} was ${here ?? "not given"} and is ${there ?? "not given"}`);
  }
  const difference = momentsDifference(file, run);
  if (difference !== undefined) throw refuse("other-options", difference);
  const shard = differentShard(file.samples, run.samples);
  if (shard !== undefined) throw refuse("other-samples", describeShard(shard, file), { shard });
}

function momentsDifference(file: RunIdentity, run: RunIdentity): string | undefined {
  const [here, there] = [describeMoments(file), describeMoments(run)];
  const missing = there.find((text) => !here.includes(text));
  const extra = here.find((text) => !there.includes(text));
  if (missing !== undefined) return `it has no ${missing}`;
  if (extra !== undefined) return `it has ${extra}, which was not asked for`;
  const sameOrder = JSON.stringify(shapesOf(file)) === JSON.stringify(shapesOf(run));
  return sameOrder ? undefined : "its weights are in another order";
}

function shapesOf({ moments }: RunIdentity) {
  return moments.map(({ kind, weights }) => [kind, weights.map(({ name }) => name)]);
}

function describeMoments({ moments }: RunIdentity): string[] {
  const kinds = { squares: "sums of squares", gram: "Gram matrix" };
  return moments.flatMap(({ kind, weights }) =>
    weights.map(({ name, groups, inFeatures }) => `${kinds[kind]} of ${name} (${groups} × ${inFeatures})`),
  );
}

/** The first shard whose samples are not the same in both, or that only one can have; undefined when there is none. */
function differentShard(a: RunIdentity["samples"], b: RunIdentity["samples"]): number | undefined {
  const shared = Math.min(a.shards.length, b.shards.length);
  const different = a.shards.slice(0, shared).findIndex((digest, shard) => digest !== b.shards[shard]);
  if (different >= 0) return different;
  const [shorter, longer] = a.shards.length <= b.shards.length ? [a, b] : [b, a];
  return shorter.complete && longer.shards.length > shared ? shared : undefined;
}

function describeShard(shard: number, { options: { shardSize } }: RunIdentity): string {
  const first = shard * shardSize;
  return `the samples of shard ${shard} (${first} to ${first + shardSize - 1}) are others`;
}
