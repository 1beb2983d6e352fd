import { fixesSparsity } from "@espalier/core";
import type { Interval } from "@espalier/verify";
import type { FinishedRow, SweepCell, SweepResult, SweptModel } from "../sweep/sweep-result.js";

/** The finished cells of one model, and what they are compared by. */
export interface SweptCells {
  readonly original: SweptModel;
  readonly rows: readonly FinishedRow[];
  /** Those that nothing beats, smallest file first: their place here is their number in plots. */
  readonly front: readonly FinishedRow[];
  readonly harm: Harm;
}

/** What pruning costs in quality: the drop of a metric, or without one the distance of outputs. */
interface Harm {
  /** Of axes and columns. */
  readonly label: string;
  of(row: FinishedRow): number;
  intervalOf(row: FinishedRow): Interval | undefined;
}

/** The cells of a sweep model by model; a model without any finished cell is left out. */
export function cellsByModel({ originals, rows, metric }: SweepResult): SweptCells[] {
  const finished = rows.filter((row) => row.status === "done");
  return originals.flatMap((original) => {
    const own = finished.filter(({ model }) => model === original.name);
    const front = own.filter(({ pareto }) => pareto).sort((a, b) => a.bytes - b.bytes || a.gzipBytes - b.gzipBytes);
    return own.length === 0 ? [] : [{ original, rows: own, front, harm: harmOf(own, metric) }];
  });
}

function harmOf(rows: readonly FinishedRow[], metric: string | undefined): Harm {
  if (metric === undefined || rows.some(({ accuracy }) => accuracy === undefined)) {
    return { label: "output error, relative L2", of: ({ outputError }) => outputError, intervalOf: () => undefined };
  }
  return {
    label: `drop of ${metric}`,
    of: ({ accuracy }) => accuracy!.drop,
    intervalOf: ({ accuracy }) => accuracy!.interval,
  };
}

/** A cell by what tells it from the others: `wanda 2:4`, `l1 unstructured 70 % as gap`. */
export function cellName({ criterion, pattern, sparsity, format }: SweepCell, several: SeveralOf): string {
  const share = fixesSparsity(pattern) ? "" : ` ${percent(sparsity)}`;
  return `${criterion} ${pattern}${share}${several.formats ? ` as ${format}` : ""}`;
}

/** What a sweep has more than one of, and names therefore say. */
export interface SeveralOf {
  readonly models: boolean;
  readonly formats: boolean;
}

/** @see SeveralOf */
export function severalOf({ originals, rows }: SweepResult): SeveralOf {
  return { models: originals.length > 1, formats: new Set(rows.map(({ format }) => format)).size > 1 };
}

/** `70 %`, `87.5 %`. */
export function percent(fraction: number): string {
  return `${Number((100 * fraction).toFixed(2))}\u00a0%`;
}

/** Distinct values in the order in which they come. */
export function distinct<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}
