import type { Model } from "@espalier/onnx";
import { readJudged } from "@espalier/verify";
import { openModel } from "../open-model.js";
import type { FinishedRow, SweepResult } from "../sweep/sweep-result.js";
import { cellsSection } from "./cells-section.js";
import { dataTable } from "./data-table.js";
import { type Drawing, loadDrawing } from "./drawing.js";
import { type LayerChanges, layerChanges } from "./layer-changes.js";
import { layersSection } from "./layers-section.js";
import { type Content, html, type Markup } from "./markup.js";
import { originSection } from "./origin-section.js";
import { page, type Section } from "./page.js";
import { PICTURED, picturesSection } from "./pictures-section.js";
import { scores } from "./scores-section.js";
import { seriesOf } from "./series.js";
import { storage } from "./storage-section.js";
import { bestRow, sweepSummary } from "./sweep-summary.js";
import { cellName, cellsByModel, distinct, type SweptCells, severalOf } from "./swept-cells.js";
import { tradeOff } from "./trade-off-section.js";

/** What a report on a sweep may show besides its numbers. */
export interface SweepReportOptions {
  /** The models of the cell that {@link shownRow} names: its masks and values are pictured then. @default no pictures */
  readonly pictured?: { readonly original: string | Uint8Array | Model; readonly pruned: string | Uint8Array | Model };
}

/**
 * A sweep as one HTML file: error against bytes and time with the front, quality against sparsity, bytes by encoding, the layers
 * of one cell, and every number. It needs no network and no script. The same data give the same text.
 *
 * @throws {OnnxError} when a pictured model cannot be read
 */
export async function sweepReport(result: SweepResult, { pictured }: SweepReportOptions = {}): Promise<string> {
  const drawing = await loadDrawing();
  const models = cellsByModel(result);
  const several = severalOf(result);
  const series = seriesOf(distinct(result.rows.map(({ pattern }) => pattern)));
  const changes = pictured && (await changesIn(openModel(pictured.original), openModel(pictured.pruned)));
  const each = (id: string, title: string, body: (cells: SweptCells) => Content): Section | undefined =>
    models.length === 0 ? undefined : { id, title, body: models.map((cells) => [headingOf(cells), body(cells)]) };
  const headingOf = ({ original }: SweptCells): Content => several.models && html`<h3><bdi>${original.name}</bdi></h3>`;
  return page({
    title: result.originals.map(({ name }) => name).join(", "),
    kind: "Sweep over pruning patterns",
    summary: sweepSummary(result, models),
    sections: [
      each("trade-off", "What a smaller model costs", (cells) =>
        tradeOff(drawing, cells, { series, several, chosen: bestRow(result) }),
      ),
      each("scores", "Quality against sparsity", (cells) => scores(drawing, cells, series, result.metric)),
      each("storage", "Bytes by encoding", (cells) => storage(drawing, cells)),
      layersOf(drawing, result),
      changes && picturesSection(drawing, changes.changed),
      cellsSection(result, models),
      originSection([result.command]),
    ],
  });
}

async function changesIn(original: Model, pruned: Model): Promise<LayerChanges> {
  return layerChanges(original, await readJudged(original, pruned, { optimization: "disabled" }), PICTURED);
}

/** The cell whose layers a report shows: what the budget chose, or the least harm on the first model's front. */
export function shownRow(result: SweepResult): FinishedRow | undefined {
  const [first] = cellsByModel(result);
  const mildest = first?.front.reduce((a, b) => (first.harm.of(b) < first.harm.of(a) ? b : a), first.front[0]!);
  return bestRow(result) ?? mildest;
}

function layersOf(drawing: Drawing, result: SweepResult): Section | undefined {
  const row = shownRow(result);
  if (row === undefined) return undefined;
  const layers = row.layers.map(({ sparsity, ...layer }) => ({ ...layer, zeros: sparsity }));
  const chosen = bestRow(result) ? "what the budget chose" : "the least harm on the front";
  const name = `${severalOf(result).models ? `${row.model}, ` : ""}${cellName(row, severalOf(result))}`;
  const lead = `The ${layers.length} pruned weights of ${name}: ${chosen}.`;
  return layersSection(drawing, layers, lead, row.skipped.length > 0 && skippedTable(row.skipped));
}

function skippedTable(skipped: FinishedRow["skipped"]): Markup {
  return dataTable(`${skipped.length} weights stayed dense because they cannot take the pattern.`, skipped, [
    { heading: "weight", cell: ({ name }) => html`<bdi>${name}</bdi>` },
    { heading: "why", cell: ({ reason }) => html`<bdi>${reason}</bdi>` },
  ]);
}
