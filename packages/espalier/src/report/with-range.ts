import { html, type Markup } from "./markup.js";

/** A figure with its range on a line below, so that columns stay narrow. */
export function withRange(value: string, low: string, high: string): Markup {
  return html`${value} <span class="range">(${low} to ${high})</span>`;
}
