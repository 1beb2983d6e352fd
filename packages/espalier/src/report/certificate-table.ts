import type { Check } from "@espalier/verify";
import { dataTable, folded } from "./data-table.js";
import { type Content, html } from "./markup.js";
import { figuresOf } from "./verify-summary.js";

const WORDS = {
  same: "as certified",
  moved: "zeros hold, values moved",
  broken: "zeros are gone",
  missing: "not there",
} as const;

/** What became of every certified weight; undefined where no certificate was checked. */
export function certificateTable(checks: readonly Check[]): Content {
  const weights = figuresOf(checks, "certificate")?.weights;
  if (weights === undefined) return undefined;
  const table = dataTable("What became of the weights that the certificate speaks of.", weights, [
    { heading: "weight", cell: ({ name }) => html`<bdi>${name}</bdi>` },
    { heading: "now", cell: ({ status }) => WORDS[status] },
    {
      heading: "found as",
      cell: ({ name, found }) => (found === name ? "the same name" : html`<bdi>${found ?? "–"}</bdi>`),
    },
    { heading: "zeros lost", cell: ({ broken }) => broken, numeric: true },
  ]);
  return folded(`${weights.length} certified weights as a table`, table);
}
