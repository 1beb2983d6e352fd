import { markdownTable } from "markdown-table";
import type { Table } from "./suite.js";

/** A Markdown table that people can read in a terminal too; all columns but the first are numbers. */
export function formatTable({ columns, rows }: Table): string {
  return markdownTable([[...columns], ...rows.map((row) => [...row])], {
    align: ["l", ...columns.slice(1).map(() => "r")],
  });
}
