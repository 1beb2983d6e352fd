import type { FinishedRow, RefusedRow, SweepResult } from "../sweep/sweep-result.js";
import { dataTable, folded } from "./data-table.js";
import { html, type Markup } from "./markup.js";
import { shareText } from "./number-text.js";
import type { Section } from "./page.js";
import { cellName, type SeveralOf, type SweptCells, severalOf } from "./swept-cells.js";
import { measureColumns } from "./trade-off-section.js";

/** Every cell in numbers, and those that could not be made with the reason. */
export function cellsSection(result: SweepResult, models: readonly SweptCells[]): Section {
  const several = severalOf(result);
  const refused = result.rows.filter((row) => row.status === "refused");
  return {
    id: "cells",
    title: "All cells",
    body: [models.map((cells) => cellTable(cells, several)), refused.length > 0 && refusedTable(refused, several)],
  };
}

function cellTable(cells: SweptCells, several: SeveralOf): Markup {
  const { rows, front, original } = cells;
  const caption = `${rows.length} cells${several.models ? ` of ${original.name}` : ""}, in the order given.`;
  const table = dataTable(caption, rows, [
    { heading: "cell", cell: (row: FinishedRow) => html`<bdi>${cellName(row, several)}</bdi>` },
    { heading: "front", cell: (row) => (front.includes(row) ? front.indexOf(row) + 1 : "–"), numeric: true },
    { heading: "zeros", cell: ({ zeros }) => shareText(zeros.ofPruned), numeric: true },
    { heading: "of all parameters", cell: ({ zeros }) => shareText(zeros.ofAll), numeric: true },
    ...(rows.some(({ skipped }) => skipped.length > 0)
      ? [{ heading: "weights left dense", cell: ({ skipped }: FinishedRow) => skipped.length, numeric: true }]
      : []),
    ...measureColumns(cells),
  ]);
  return folded(`${rows.length} cells as a table${several.models ? `: ${original.name}` : ""}`, table);
}

function refusedTable(refused: readonly RefusedRow[], several: SeveralOf): Markup {
  return dataTable(`${refused.length} cells could not be made.`, refused, [
    { heading: "cell", cell: (row) => html`<bdi>${several.models && `${row.model}: `}${cellName(row, several)}</bdi>` },
    { heading: "why", cell: ({ reason }) => html`<bdi>${reason}</bdi>` },
  ]);
}
