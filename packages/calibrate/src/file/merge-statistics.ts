import type { MomentSums } from "../moment.js";
import { StatisticsError } from "../statistics-error.js";
import { SumLedger } from "../sum-ledger.js";
import { requireSameRun } from "./require-same-run.js";
import type { SamplesSeen, StatisticsFile } from "./statistics-file.js";

/** A decoded file and what messages call it. */
export interface NamedFile {
  readonly name: string;
  readonly file: StatisticsFile;
}

/**
 * Puts the shards of several files together, made by runs over the same samples: in any order, in any grouping, finished or
 * not. Once every shard is in, the result is that of one run, bit for bit.
 *
 * @param files at least one
 * @throws {StatisticsError} `other-model`, `other-options`, `other-samples` when they do not belong together;
 *   `shard-twice`; `bad-option` without files
 */
export function mergeStatistics(files: readonly NamedFile[]): StatisticsFile {
  const [first, ...others] = files;
  if (first === undefined) throw new StatisticsError("bad-option", "There are no statistics to merge.");
  // Files that begin like the longest one begin like each other: this compares all pairs.
  const longest = files.reduce((a, b) => (isLonger(b.file.samples, a.file.samples) ? b : a));
  for (const { name, file } of files) requireSameRun(name, file, longest.file, longest.name);
  const ledgers = first.file.moments.map((moment) => new SumLedger({ kind: moment.kind, weights: moment.weights }));
  for (const { name, file } of [first, ...others]) absorb(ledgers, name, file.moments);
  return { ...first.file, samples: longest.file.samples, moments: ledgers.map((ledger) => ledger.snapshot()) };
}

function isLonger(a: SamplesSeen, b: SamplesSeen): boolean {
  return a.shards.length > b.shards.length || (a.shards.length === b.shards.length && a.complete && !b.complete);
}

function absorb(ledgers: readonly SumLedger[], name: string, moments: readonly MomentSums[]): void {
  for (const [index, ledger] of ledgers.entries()) {
    try {
      ledger.absorb(moments[index]!);
    } catch (error) {
      if (!(error instanceof StatisticsError)) throw error;
      throw new StatisticsError(error.code, `${name}: ${error.message}`, { ...error.context, path: name });
    }
  }
}
