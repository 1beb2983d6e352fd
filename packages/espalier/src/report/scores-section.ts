import type { FinishedRow } from "../sweep/sweep-result.js";
import type { Drawing } from "./drawing.js";
import { html, type Markup } from "./markup.js";
import { type ScoredPoint, scorePlot } from "./score-plot.js";
import { legend, type Series } from "./series.js";
import { distinct, type SweptCells } from "./swept-cells.js";

/** Quality against sparsity, a plot for each criterion with the same axes. */
export function scores(
  drawing: Drawing,
  { original, rows, harm }: SweptCells,
  series: readonly Series[],
  metric: string | undefined,
): Markup {
  const scored = metric !== undefined && rows.every(({ accuracy }) => accuracy !== undefined);
  const points = onePerCell(rows)
    .map(scored ? scoreOf : errorOf)
    .filter(({ value }) => Number.isFinite(value));
  const reference = scored ? original.score!.mean : 0;
  const shared = {
    series,
    label: scored ? metric : harm.label,
    reference,
    domain: extentOf([reference, ...points.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value])]),
    sparsities: extentOf(points.map(({ row }) => row.sparsity)),
  };
  const panels = distinct(rows.map(({ criterion }) => criterion)).map((criterion) => {
    const own = points.filter(({ row }) => row.criterion === criterion);
    return html`<figure><figcaption><b><bdi>${criterion}</bdi></b></figcaption>${scorePlot(drawing, { ...shared, points: own })}</figure>`;
  });
  const bars = scored
    ? "Bars are the 95 % paired bootstrap interval of the drop from the original, on the same samples."
    : "There were neither labels nor a metric: this is how far outputs moved, over all samples, so there are no error bars.";
  return html`<p>${bars} Points of several patterns at the same sparsity stand beside each other.</p>
${legend(drawing, series)}<div class="trio">${panels}</div>`;
}

/** How a file is stored changes no answer that is looked at here. */
function onePerCell(rows: readonly FinishedRow[]): FinishedRow[] {
  const same = (a: FinishedRow, b: FinishedRow): boolean =>
    a.criterion === b.criterion && a.pattern === b.pattern && a.sparsity === b.sparsity;
  return rows.filter((row, index) => rows.findIndex((other) => same(row, other)) === index);
}

function errorOf(row: FinishedRow): ScoredPoint {
  return { row, value: row.outputError };
}

/** The interval of the drop, hung below what the original scores on the same samples. */
function scoreOf(row: FinishedRow): ScoredPoint {
  const { mean, drop, interval } = row.accuracy!;
  return { row, value: mean, low: mean + drop - interval.high, high: mean + drop - interval.low };
}

function extentOf(values: readonly number[]): [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least < most ? [least, most] : [least - 0.05, most + 0.05];
}
