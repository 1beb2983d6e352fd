import { bytesText } from "../bytes-text.js";
import type { FinishedRow } from "../sweep/sweep-result.js";
import { type DataColumn, dataTable } from "./data-table.js";
import type { Drawing } from "./drawing.js";
import { figure } from "./figure.js";
import { type Content, html, type Markup } from "./markup.js";
import { figureText, timeText } from "./number-text.js";
import { legend } from "./series.js";
import { cellName, type SweptCells } from "./swept-cells.js";
import { type Cost, type TradeOffLook, tradeOffPlot } from "./trade-off-plot.js";
import { withRange } from "./with-range.js";

/** Harm against bytes and against time, and the front as a table whose numbers the plots show. */
export function tradeOff(drawing: Drawing, cells: SweptCells, look: TradeOffLook): Markup {
  const plot = (title: string, caption: string, cost: Cost): Markup =>
    figure({ title, caption, draw: (width) => tradeOffPlot(drawing, cells, cost, look, width) });
  return html`${legend(drawing, look.series)}
<div class="pair">${plot("Error against bytes", `Lower left is better. Numbered points are beaten by none in error, bytes and time together.${look.chosen ? " The ring is what the budget chose." : ""}`, sizeCost(cells))}${plot(
    "Error against time",
    "Lower left is better. One sample, one thread, timed in turns with the original. For the front, times differ only where their intervals are apart.",
    { label: "time, original = 1", of: ({ speedup }) => 1 / speedup.ratio, original: 1 },
  )}</div>
${frontTable(cells, look)}`;
}

/** Dense files are all equally large: then what is left after gzip tells more. */
function sizeCost({ rows, original }: SweptCells): Cost {
  const sizes = rows.map(({ bytes }) => bytes);
  if (Math.max(...sizes) < 1.01 * Math.min(...sizes)) {
    return { label: "MB after gzip", of: ({ gzipBytes }) => gzipBytes / 1e6, original: original.gzipBytes / 1e6 };
  }
  return { label: "MB", of: ({ bytes }) => bytes / 1e6, original: original.bytes / 1e6 };
}

function frontTable(cells: SweptCells, { several, chosen }: TradeOffLook): Markup {
  const { front } = cells;
  return dataTable("The front, smallest file first; its numbers are those of the plots.", front, [
    {
      heading: "cell",
      cell: (row) =>
        html`${front.indexOf(row) + 1}. <bdi>${cellName(row, several)}</bdi>${row === chosen && " – within the budget"}`,
    },
    ...measureColumns(cells),
  ]);
}

/** What is measured of a cell. */
export function measureColumns({ rows, harm }: Pick<SweptCells, "rows" | "harm">): DataColumn<FinishedRow>[] {
  const number = (heading: string, cell: DataColumn<FinishedRow>["cell"]) => ({ heading, cell, numeric: true });
  const scored = rows.some(({ accuracy }) => accuracy !== undefined);
  return [
    ...(scored ? [number("score", scoreText), number(`${harm.label} (95 %)`, (row) => harmText(row, harm))] : []),
    number("output error", ({ outputError }) => figureText(outputError, 3)),
    number("bytes", ({ bytes }) => bytesText(bytes)),
    number("after gzip", ({ gzipBytes }) => bytesText(gzipBytes)),
    number("time", ({ latencyMs }) => timeText(latencyMs)),
    number("speed (95 %)", ({ speedup: { ratio, interval } }) => {
      return withRange(`${ratio.toFixed(2)}×`, interval.low.toFixed(2), interval.high.toFixed(2));
    }),
  ];
}

function scoreText({ accuracy }: FinishedRow): string {
  return accuracy ? `${figureText(accuracy.mean, 3)} ± ${figureText(accuracy.standardError, 2)}` : "–";
}

function harmText(row: FinishedRow, harm: SweptCells["harm"]): Content {
  const value = figureText(harm.of(row), 3);
  const interval = harm.intervalOf(row);
  return interval ? withRange(value, figureText(interval.low, 2), figureText(interval.high, 2)) : value;
}
