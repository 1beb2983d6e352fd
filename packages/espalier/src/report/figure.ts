import { type Content, html, type Markup } from "./markup.js";

/** A plot that is drawn twice, so that its text is as large on a phone as on a desk. */
export interface Figure {
  readonly title: string;
  /** What it shows and how to read it. */
  readonly caption: Content;
  /** Draws it so many pixels wide. */
  readonly draw: (width: number) => Markup;
}

/** Pixels on a wide screen, for two beside each other. */
const WIDE = 500;

/** Pixels on a phone of 360 pixels, between its margins. */
const NARROW = 328;

/** A plot with its caption; the page shows the drawing that fits. */
export function figure({ title, caption, draw }: Figure): Markup {
  return html`<figure>
<figcaption><b>${title}</b> ${caption}</figcaption>
<div class="wide">${draw(WIDE)}</div><div class="narrow">${draw(NARROW)}</div>
</figure>
`;
}
