import type { Statistics, WeightStatistics } from "@espalier/core";
import type { SkippedWeight, StatisticsFile } from "./file/statistics-file.js";
import type { Gram } from "./gram.js";
import type { MomentSums, Sum } from "./moment.js";
import { addSums } from "./sum-ledger.js";

/** What moments say about weights. */
export interface Summary {
  readonly statistics: Statistics;
  readonly grams: ReadonlyMap<string, Gram>;
  readonly skipped: readonly SkippedWeight[];
}

/** The statistics of each weight over the shards that are there, added in their order. */
export function summarize({ moments, skipped }: Pick<StatisticsFile, "moments" | "skipped">): Summary {
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
  return { statistics, grams, skipped: [...skipped, ...idle] };
}

function foldAll({ total, pending }: MomentSums): Sum | undefined {
  let sum = total;
  for (const next of pending.values()) sum = sum ? addSums(sum, next) : next;
  return sum;
}
