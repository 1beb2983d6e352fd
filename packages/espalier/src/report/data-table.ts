import { type Content, html, type Markup } from "./markup.js";

/** A column: its heading, and what a row has in it. */
export interface DataColumn<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => Content;
  /** Numbers stand at the right. */
  readonly numeric?: boolean;
}

/** A table whose first column names the rows; where it is too wide it scrolls by itself, by keyboard too. */
export function dataTable<Row>(caption: string, rows: readonly Row[], columns: readonly DataColumn<Row>[]): Markup {
  const className = (column: DataColumn<Row>): string => (column.numeric ? "number" : "text");
  const head = columns.map((column) => html`<th scope="col" class="${className(column)}">${column.heading}</th>`);
  const body = rows.map((row) => {
    const cells = columns.map((column, index) =>
      index === 0
        ? html`<th scope="row">${column.cell(row)}</th>`
        : html`<td class="${className(column)}">${column.cell(row)}</td>`,
    );
    return html`<tr>${cells}</tr>\n`;
  });
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption><span>${caption}</span></caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>
</table></div>
`;
}

/** What is folded away until somebody wants it. */
export function folded(summary: string, body: Content): Markup {
  return html`<details><summary>${summary}</summary>
${body}</details>
`;
}
