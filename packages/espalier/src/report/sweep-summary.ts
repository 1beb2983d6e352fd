import { bytesText } from "../bytes-text.js";
import type { FinishedRow, SweepResult } from "../sweep/sweep-result.js";
import { keyFigures } from "./key-figures.js";
import { html, type Markup } from "./markup.js";
import { changeText, figureText } from "./number-text.js";
import { cellName, type SeveralOf, type SweptCells, severalOf } from "./swept-cells.js";

/** What came out: the cell that meets the budget, or the ends of the front. */
export function sweepSummary(result: SweepResult, models: readonly SweptCells[]): Markup {
  const { rows, samples } = result;
  const refused = rows.filter(({ status }) => status === "refused").length;
  const front = models.reduce((sum, cells) => sum + cells.front.length, 0);
  const counts = `${rows.length} cells: ${rows.length - refused} measured on ${samples.test} samples, ${refused} refused; ${front} are beaten by none.`;
  return html`<p class="outcome">${verdictOf(result)}<span>${counts}</span></p>
${models.map((cells) => endsOf(cells, severalOf(result)))}`;
}

/** The row that meets the budget; undefined where there is none, or no budget. */
export function bestRow({ budget, rows }: SweepResult): FinishedRow | undefined {
  const row = budget?.best == null ? undefined : rows[budget.best];
  return row?.status === "done" ? row : undefined;
}

function verdictOf(result: SweepResult): Markup | undefined {
  if (result.budget === undefined) return undefined;
  const best = bestRow(result);
  const [status, sign] = best ? ["passed", "✓"] : ["failed", "✗"];
  const words = best
    ? `Within ${result.budget.text}: ${cellName(best, severalOf(result))}`
    : `Nothing is within ${result.budget.text}`;
  return html`<span class="verdict ${status}"><span aria-hidden="true">${sign}</span> <bdi>${words}</bdi></span>`;
}

function endsOf({ original, rows, harm }: SweptCells, several: SeveralOf): Markup {
  const least = (of: (row: FinishedRow) => number): FinishedRow => rows.reduce((a, b) => (of(b) < of(a) ? b : a));
  const [mildest, smallest, fastest] = [
    least(harm.of),
    least(({ bytes }) => bytes),
    least(({ speedup }) => 1 / speedup.ratio),
  ];
  const { ratio, interval } = fastest.speedup;
  const range = `${interval.low.toFixed(2)} to ${interval.high.toFixed(2)}`;
  const claim = interval.low > 1 ? `(${range})` : `(${range}: no difference shown)`;
  return keyFigures([
    {
      name: several.models ? original.name : "original",
      value: bytesText(original.bytes),
      note: `${bytesText(original.gzipBytes)} after gzip`,
    },
    original.score && {
      name: "its score",
      value: figureText(original.score.mean, 3),
      note: `± ${figureText(original.score.standardError, 2)}`,
    },
    { name: `least ${harm.label}`, value: figureText(harm.of(mildest), 3), note: cellName(mildest, several) },
    {
      name: "smallest file",
      value: bytesText(smallest.bytes),
      note: `${changeText(original.bytes, smallest.bytes)}: ${cellName(smallest, several)}`,
    },
    { name: "fastest", value: `${ratio.toFixed(2)}×`, note: `${cellName(fastest, several)} ${claim}` },
  ]);
}
