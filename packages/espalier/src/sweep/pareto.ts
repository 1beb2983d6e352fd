import type { FinishedRow, RefusedRow } from "./sweep-result.js";

/** A row before it is compared with others. */
export type MeasuredRow = Omit<FinishedRow, "pareto"> | RefusedRow;

type Measured = Extract<MeasuredRow, { status: "done" }>;

/** The rows with whether they are on the Pareto front of their model: see {@link FinishedRow}. */
export function withPareto(rows: readonly MeasuredRow[]): readonly (FinishedRow | RefusedRow)[] {
  return rows.map((row) => {
    if (row.status === "refused") return row;
    const isBeaten = rows.some((other) => other.status === "done" && other.model === row.model && beats(other, row));
    return { ...row, pareto: !isBeaten };
  });
}

/** Below this part of its size two files count as equally large: their records of what was done differ by some letters. */
const SAME_SIZE = 1e-3;

/** Whether `a` is at least as good everywhere and better somewhere. */
function beats(a: Measured, b: Measured): boolean {
  const [errorA, errorB] = [a, b].map(({ accuracy, outputError }) => accuracy?.drop ?? outputError);
  const [fastA, fastB] = [a.speedup.interval, b.speedup.interval];
  if (errorA! > errorB! || isLarger(a, b) || fastA.high < fastB.low) return false;
  return errorA! < errorB! || isLarger(b, a) || fastA.low > fastB.high;
}

function isLarger(a: Measured, b: Measured): boolean {
  return a.bytes > b.bytes * (1 + SAME_SIZE);
}
