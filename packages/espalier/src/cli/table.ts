import { markdownTable } from "markdown-table";

/** A column: its heading, how a row is shown in it, and whether it holds numbers (right-aligned). */
export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  readonly numeric?: boolean;
}

/** A Markdown table, which reads well on a terminal and can be pasted into an issue as it is. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  return markdownTable(
    [
      columns.map((column) => column.heading),
      ...rows.map((row) => columns.map((column) => printable(column.cell(row)))),
    ],
    { align: columns.map((column) => (column.numeric ? "r" : "l")) },
  );
}

/** Text out of a model as it may be shown: a control character could break a line or command a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `50.00 %` of a fraction in [0, 1]. */
export function percentText(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}
