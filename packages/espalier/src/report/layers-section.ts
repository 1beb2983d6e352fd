import { bytesText } from "../bytes-text.js";
import { barPlot } from "./bar-plot.js";
import { type DataColumn, dataTable, folded } from "./data-table.js";
import type { Drawing } from "./drawing.js";
import { figure } from "./figure.js";
import type { StoredWeight } from "./layer-changes.js";
import { type Content, html, type Markup } from "./markup.js";
import { figureText, shareText } from "./number-text.js";
import type { Section } from "./page.js";

/** What the plots and the table say about one weight. */
export interface LayerLine {
  readonly name: string;
  /** Fractions of zeros. */
  readonly zeros: number;
  readonly zerosBefore?: number;
  readonly weightError: number;
  readonly stored?: StoredWeight;
  /** The plots show the weights that have most of them. */
  readonly entries: number;
}

/** Bars that fit a screen; the table has the rest. */
const PLOTTED = 24;

/**
 * Sparsity and error layer by layer.
 *
 * @param lead what stands above the plots
 * @param end what stands below them
 */
export function layersSection(
  drawing: Drawing,
  layers: readonly LayerLine[],
  lead: string,
  end: Content = undefined,
): Section | undefined {
  if (layers.length === 0) return undefined;
  return { id: "layers", title: "Layer by layer", body: html`<p>${lead}</p>${layerFigures(drawing, layers)}${end}` };
}

/** The two plots and the table of one model. */
function layerFigures(drawing: Drawing, layers: readonly LayerLine[]): Markup {
  const plotted = largest(layers);
  const zeros = plotted.map(({ name, zeros, zerosBefore }) => ({
    name,
    value: zeros,
    text: shareText(zeros),
    ...(zerosBefore !== undefined && { tick: zerosBefore }),
  }));
  const ticked = plotted.some(({ zerosBefore = 0 }) => zerosBefore > 0);
  const errors = plotted.map(({ name, weightError }) => {
    return { name, value: Number.isFinite(weightError) ? weightError : 0, text: figureText(weightError) };
  });
  const rest = layers.length > plotted.length ? ` The ${plotted.length} largest of ${layers.length} weights.` : "";
  return html`<div class="pair">${figure({
    title: "Zeros",
    caption: `Part of a weight's entries that is zero.${ticked ? " The tick is what was zero before." : ""}${rest}`,
    draw: (width) => barPlot(drawing, { label: "zeros", bars: zeros, end: 1 }, width),
  })}${figure({
    title: "How far the values moved",
    caption: `‖W − W′‖ / ‖W‖ over all entries: 0 is untouched, 1 as far as a weight of zeros.${rest}`,
    draw: (width) => barPlot(drawing, { label: "weight error", bars: errors }, width),
  })}</div>
${folded(`All ${layers.length} weights as a table`, layerTable(layers))}`;
}

function largest(layers: readonly LayerLine[]): readonly LayerLine[] {
  const chosen = new Set([...layers].sort((a, b) => b.entries - a.entries).slice(0, PLOTTED));
  return layers.filter((layer) => chosen.has(layer));
}

function layerTable(layers: readonly LayerLine[]): Markup {
  const before = layers.some(({ zerosBefore }) => zerosBefore !== undefined);
  const encoded = layers.some(({ stored }) => stored && stored.how !== "dense");
  const shared = encoded ? " What several weights are computed from counts for the first." : "";
  return dataTable(`Zeros and error of every pruned weight.${shared}`, layers, [
    { heading: "weight", cell: ({ name }) => html`<bdi>${name}</bdi>` },
    ...(before
      ? [{ heading: "zeros before", cell: ({ zerosBefore = 0 }: LayerLine) => shareText(zerosBefore), numeric: true }]
      : []),
    { heading: "zeros", cell: ({ zeros }) => shareText(zeros), numeric: true },
    { heading: "weight error", cell: ({ weightError }) => figureText(weightError), numeric: true },
    ...(encoded ? storageColumns : []),
  ]);
}

const HOW: Readonly<Record<StoredWeight["how"], string>> = {
  dense: "dense",
  decoded: "compressed",
  lowered: "blocks",
  narrowed: "narrower",
  moved: "initializer",
};

/** Where a weight is not stored as it is. */
const storageColumns: readonly DataColumn<LayerLine>[] = [
  { heading: "stored", cell: ({ stored }) => stored && HOW[stored.how] },
  { heading: "bytes", cell: ({ stored }) => stored && bytesText(stored.bytes), numeric: true },
  { heading: "bytes before", cell: ({ stored }) => stored && bytesText(stored.bytesBefore), numeric: true },
];
