import type { Drawing } from "./drawing.js";
import { html, type Markup } from "./markup.js";

/** How the points of one pattern look, by shape as well as by colour. */
export interface Series {
  readonly name: string;
  readonly symbol: Symbol;
  readonly color: string;
}

const SYMBOLS = ["circle", "square", "triangle", "diamond", "cross", "star", "wye"] as const;
type Symbol = (typeof SYMBOLS)[number];

/** As many as the page has colours: with seven shapes against six colours the first 42 all look different. */
const COLORS = 6;

/** A look for each name, the same wherever the names are the same. */
export function seriesOf(names: readonly string[]): Series[] {
  return names.map((name, index) => ({
    name,
    symbol: SYMBOLS[index % SYMBOLS.length]!,
    color: `var(--s${1 + (index % COLORS)})`,
  }));
}

/** The names beside their marks. */
export function legend({ Plot, svg }: Drawing, series: readonly Series[]): Markup {
  const sign = ({ symbol, color, name }: Series): Markup =>
    svg(name, {
      width: 14,
      height: 14,
      margin: 7,
      axis: null,
      marks: [Plot.dot([[0, 0]], { symbol, r: 4.5, stroke: color, strokeWidth: 1.8, fill: color })],
    });
  return html`<ul class="legend" aria-label="Patterns">${series.map((one) => html`<li>${sign(one)}<bdi>${one.name}</bdi></li>`)}</ul>`;
}
