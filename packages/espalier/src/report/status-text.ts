import type { Check } from "@espalier/verify";
import { html, type Markup } from "./markup.js";

const SIGNS: Readonly<Record<Check["status"], string>> = { passed: "✓", failed: "✗", skipped: "–" };

/** A status by sign, word and colour. */
export function statusText(status: Check["status"]): Markup {
  return html`<span class="status ${status}"><span aria-hidden="true">${SIGNS[status]}</span> ${status}</span>`;
}
