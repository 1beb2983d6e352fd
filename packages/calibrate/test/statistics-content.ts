import type { Moment, MomentSums, StatisticsFile, Sum } from "@espalier/calibrate";

/** A digest that is easy to tell apart. */
export const digest = (number: number): string => number.toString(16).padStart(64, "0");

/** Two weights that read the same input, and a grouped one with its Gram matrix: two positions a sample. */
export const MOMENTS: readonly Moment[] = [
  {
    kind: "squares",
    weights: [
      { name: "query", groups: 1, inFeatures: 2 },
      { name: "key", groups: 1, inFeatures: 2 },
    ],
  },
  { kind: "gram", weights: [{ name: "conv", groups: 2, inFeatures: 2 }] },
];

/** What shard `shard` adds to a moment: numbers whose sum depends on the order of additions. */
export function shardSum({ kind }: Moment, shard: number): Sum {
  const values = [0.1, 0.7, 1.3, 0.1, 7, 0.3].map((value, index) => value * 3 ** ((shard * 7 + index) % 5));
  return { count: 4, values: Float64Array.from(values.slice(0, kind === "squares" ? 2 : 6)) };
}

/** The file of a run that has finished some shards of `total` (two samples each). */
export function fileWith(shards: readonly number[], { total = 6, complete = true, changes = {} } = {}): StatisticsFile {
  const moments = MOMENTS.map((moment): MomentSums => {
    const prefix = Array.from({ length: total }, (_, shard) => shard).findIndex((shard) => !shards.includes(shard));
    const folded = prefix < 0 ? total : prefix;
    const sums = shards.filter((shard) => shard < folded).map((shard) => shardSum(moment, shard));
    const pending = shards.filter((shard) => shard > folded).map((shard) => [shard, shardSum(moment, shard)] as const);
    return { ...moment, folded, ...(folded > 0 && { total: sums.reduce(add) }), pending: new Map(pending) };
  });
  return {
    model: { graph: digest(1), weights: digest(2) },
    options: { batch: 1, shardSize: 2, mask: null },
    samples: { count: total * 2, complete, shards: Array.from({ length: total }, (_, shard) => digest(100 + shard)) },
    skipped: [{ name: "loop/W", reason: "it is inside a Loop" }],
    withoutGram: [{ name: "key", reason: "too large" }],
    moments,
    ...changes,
  };
}

function add(a: Sum, b: Sum): Sum {
  return { count: a.count + b.count, values: a.values.map((value, index) => value + b.values[index]!) };
}
