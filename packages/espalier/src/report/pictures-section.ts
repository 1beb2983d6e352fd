import { folded } from "./data-table.js";
import type { Drawing } from "./drawing.js";
import { histogramPlot } from "./histogram-plot.js";
import type { LayerChange, LayerPictures } from "./layer-changes.js";
import { html, type Markup } from "./markup.js";
import { figureText, shareText } from "./number-text.js";
import type { Section } from "./page.js";
import { encodePng, type InkPicture } from "./png.js";

/** Weights that get pictures, the largest first: some 8 kB each. */
export const PICTURED = 72;

/** Weights whose pictures stand open; the other pictured ones are folded away. */
const OPEN = 12;

/** Masks and histograms of the weights that have pictures; undefined where none has. */
export function picturesSection(drawing: Drawing, layers: readonly LayerChange[]): Section | undefined {
  const cards = layers.flatMap((layer) =>
    layer.pictures
      ? [{ size: layer.outChannels * layer.inFeatures, card: cardOf(drawing, layer, layer.pictures) }]
      : [],
  );
  if (cards.length === 0) return undefined;
  const threshold = cards.map(({ size }) => size).sort((a, b) => b - a)[OPEN - 1] ?? 0;
  const open = cards.filter(({ size }) => size >= threshold).slice(0, OPEN);
  const rest = cards.filter((card) => !open.includes(card));
  const grid = (shown: typeof cards): Markup => html`<div class="trio">${shown.map(({ card }) => card)}</div>`;
  return {
    id: "masks",
    title: "Masks and values",
    body: html`<p>Out channels run down, in-features across, ink is what was kept. Left the whole weight: the more ink, the more of the entries under a pixel stayed. Right its first entries, one by one, where a fine pattern shows. Below, how values are spread: the line before pruning, the area after it. Zeros are not drawn.</p>
${grid(open)}${rest.length > 0 && folded(`${rest.length} more, smaller weights`, grid(rest))}
${layers.length > cards.length && html`<p class="note">The ${layers.length - cards.length} smallest pruned weights have no pictures; the table above lists them.</p>`}`,
  };
}

function cardOf(drawing: Drawing, layer: LayerChange, { masks, histogram }: LayerPictures): Markup {
  const { name, outChannels, inFeatures, zeros, weightError } = layer;
  const { overview, corner, density } = masks;
  const range = `${shareText(density.least)} to ${shareText(density.most)} kept under a pixel`;
  return html`<article class="layer"><h3><bdi>${name}</bdi></h3>
<p>${outChannels} × ${inFeatures}, zeros ${shareText(zeros.before)} → ${shareText(zeros.after)}, moved by ${figureText(weightError)}</p>
<div class="masks"><figure>${image("overview", overview, `Where ${outChannels} × ${inFeatures} entries were kept: ${range}`)}<figcaption>all, ${range}</figcaption></figure>
<figure>${image("corner", corner, `The mask of the first ${corner.height} × ${corner.width} entries`)}<figcaption>the first ${corner.height} × ${corner.width} entries</figcaption></figure></div>
${histogramPlot(drawing, histogram)}
</article>
`;
}

function image(style: string, picture: InkPicture, alt: string): Markup {
  const data = Buffer.from(encodePng(picture)).toString("base64");
  return html`<img class="${style}" src="data:image/png;base64,${data}" width="${picture.width}" height="${picture.height}" alt="${alt}">`;
}
