import type { Check } from "@espalier/verify";
import { certificateTable } from "./certificate-table.js";
import { html, type Markup } from "./markup.js";
import { measureText } from "./number-text.js";
import type { Section } from "./page.js";
import { statusText } from "./status-text.js";

/** Every check with what it measured. On a phone its cells stand below each other; the roles keep it a table then. */
export function checksSection(checks: readonly Check[]): Section {
  const heading = (text: string, style = "text"): Markup =>
    html`<th scope="col" role="columnheader" class="${style}">${text}</th>`;
  return {
    id: "checks",
    title: "Checks",
    body: html`<table class="checks" role="table">
<caption><span>What was judged, in the order in which it was done.</span></caption>
<thead role="rowgroup"><tr role="row">${heading("check")}${heading("what was found")}${heading("measured", "number")}${heading("limit", "number")}</tr></thead>
<tbody role="rowgroup">
${checks.map(rowOf)}</tbody>
</table>
${certificateTable(checks)}`,
  };
}

function rowOf({ name, status, message, measured, limit }: Check): Markup {
  return html`<tr role="row"><th scope="row" role="rowheader">${name} ${statusText(status)}</th>
<td role="cell" class="message"><bdi>${message}</bdi></td>
<td role="cell" class="number" data-label="measured">${measureText(name, measured)}</td>
<td role="cell" class="number" data-label="limit">${measureText(name, limit)}</td></tr>
`;
}
