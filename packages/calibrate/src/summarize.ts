import type { Statistics, WeightStatistics } from "@espalier/core";
import type { SkippedWeight, StatisticsFile } from "./file/statistics-file.js";
import type { Gram } from "./gram.js";
import type { MomentSums, Sum } from "./moment.js";
import { addSums } from "./sum-ledger.js";

/** What moments say about weights. */
export interface Summary {
  /** By weight name. */
  readonly statistics: Statistics;
  /** By weight name; empty unless they were asked for. */
  readonly grams: ReadonlyMap<string, Gram>;
  /** Weights without statistics. */
  readonly skipped: readonly SkippedWeight[];
  /** Weights with statistics whose Gram matrices were asked for and are not there. */
  readonly withoutGram: readonly SkippedWeight[];
}

/** The part of a statistics file that a {@link Summary} is made of. */
type Measured = Pick<StatisticsFile, "moments" | "skipped" | "withoutGram">;

/** The statistics of each weight over the shards that are there, added in their order. */
export function summarize({ moments, skipped, withoutGram }: Measured): Summary {
  const statistics = new Map<string, WeightStatistics>();
  const grams = new Map<string, Gram>();
  const idle: SkippedWeight[] = [];
  for (const moment of moments) {
    const sum = foldAll(moment);
    for (const { name, groups, inFeatures } of moment.weights) {
      if (sum === undefined || sum.count === 0) {
        if (moment.kind === "squares") idle.push({ name, reason: "no sample reached it" });
      } else if (moment.kind === "squares") statistics.set(name, { sumOfSquares: sum.values, count: sum.count });
      else grams.set(name, { groups, inFeatures, count: sum.count, upperTriangles: sum.values });
    }
  }
  return { statistics, grams, skipped: [...skipped, ...idle], withoutGram };
}

function foldAll({ total, pending }: MomentSums): Sum | undefined {
  let sum = total;
  for (const next of pending.values()) sum = sum ? addSums(sum, next) : next;
  return sum;
}
