import { spreadOf } from "@espalier/runtime";
import { BACKENDS, type ModelCost } from "./measure-models.js";

export const COLUMNS: readonly string[] = [
  "model/pruned/format",
  "outputs",
  "MB",
  "gzip",
  "brotli",
  ...BACKENDS.flatMap(({ backend }) => ["load ms", "peak MB", "run ms"].map((what) => `${what} ${backend}`)),
];

/** The pruned dense model. */
export function denseRow(name: string, cost: ModelCost): readonly string[] {
  return [name, "", ...figures(cost).map(({ value, digits }) => value?.toFixed(digits) ?? "")];
}

/**
 * An exported model, with its ratios to the dense one.
 *
 * @param distance of its outputs
 */
export function exportedRow(name: string, distance: number, cost: ModelCost, dense: ModelCost): readonly string[] {
  const before = figures(dense);
  const cells = figures(cost).map(({ value, digits }, index) => {
    const reference = before[index]!.value;
    return value === undefined || reference === undefined
      ? ""
      : `${value.toFixed(digits)} (${(value / reference).toFixed(2)})`;
  });
  return [name, distance === 0 ? "0" : distance.toExponential(1), ...cells];
}

/** A format that does not take the model; the note says why. */
export function refusedRow(name: string): readonly string[] {
  return [name, "refused", ...COLUMNS.slice(2).map(() => "")];
}

interface Figure {
  readonly value: number | undefined;
  readonly digits: number;
}

/** In the order of the columns, from the third on. */
function figures({ size, onBackends }: ModelCost): readonly Figure[] {
  const sizes = [size.raw, size.gzip, size.brotli].map((bytes) => ({ value: bytes / 1e6, digits: 2 }));
  const times = onBackends.flatMap(({ loading: { milliseconds, peakBytes }, runs }) => [
    { value: milliseconds.median, digits: 0 },
    { value: peakBytes && peakBytes.median / 1e6, digits: 0 },
    { value: spreadOf(runs).median, digits: 1 },
  ]);
  return [...sizes, ...times];
}
