import { type Content, html, type Markup } from "./markup.js";

/** A figure that people look for first. */
export interface KeyFigure {
  readonly name: string;
  readonly value: Content;
  /** Its interval, or what it is compared with. */
  readonly note?: Content;
}

/** Figures in large type. */
export function keyFigures(figures: readonly (KeyFigure | undefined)[]): Markup {
  const items = figures.flatMap((figure) => (figure === undefined ? [] : [itemOf(figure)]));
  return html`<dl class="figures">${items}</dl>`;
}

function itemOf({ name, value, note }: KeyFigure): Markup {
  return html`<div><dt>${name}</dt><dd>${value}</dd>${note !== undefined && html`<dd>${note}</dd>`}</div>\n`;
}
