import { fixesSparsity } from "@espalier/core";
import { bytesText } from "../bytes-text.js";
import type { FinishedRow } from "../sweep/sweep-result.js";
import { type Bar, barPlot } from "./bar-plot.js";
import type { Drawing } from "./drawing.js";
import { figure } from "./figure.js";
import { html, type Markup } from "./markup.js";
import { distinct, percent, type SweptCells } from "./swept-cells.js";

/** Bars that fit a screen beside each other. */
const PLOTTED = 60;

/** Bytes by how files are stored: what an encoding makes of the zeros of a pattern. */
export function storage(drawing: Drawing, { original, rows }: SweptCells): Markup {
  const formats = distinct(rows.map(({ format }) => format));
  const end = Math.max(original.bytes, ...rows.map(({ bytes }) => bytes));
  const panels = formats.map((format) => {
    const bars = [originalBar(original), ...barsOf(rows.filter((row) => row.format === format))].slice(0, PLOTTED);
    return figure({
      title: `Stored as ${format}`,
      caption: "The bar is the file, the tick what is left of it after gzip; means over criteria.",
      draw: (width) => barPlot(drawing, { label: `bytes as ${format}`, bars, end }, width),
    });
  });
  return html`<div class="pair">${panels}</div>`;
}

function originalBar({ bytes, gzipBytes }: SweptCells["original"]): Bar {
  return { name: "original", value: bytes, text: sizesText(bytes, gzipBytes), tick: gzipBytes, reference: true };
}

/** Criteria choose other entries, but as many of them. */
function barsOf(rows: readonly FinishedRow[]): Bar[] {
  const nameOf = ({ pattern, sparsity }: FinishedRow): string =>
    fixesSparsity(pattern) ? pattern : `${pattern} ${percent(sparsity)}`;
  return distinct(rows.map(nameOf)).map((name) => {
    const own = rows.filter((row) => nameOf(row) === name);
    const [value, tick] = [mean(own.map(({ bytes }) => bytes)), mean(own.map(({ gzipBytes }) => gzipBytes))];
    return { name, value, text: sizesText(value, tick), tick };
  });
}

function sizesText(bytes: number, gzipBytes: number): string {
  return `${bytesText(Math.round(bytes))}, ${bytesText(Math.round(gzipBytes))} gzip`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
