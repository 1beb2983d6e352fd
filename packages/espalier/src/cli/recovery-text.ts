import type { RecoveryReport } from "../recovery/recovery-report.js";
import { percentText, printable, table } from "./table.js";

/** What compensation did, in lines for people. */
export function recoveryText({ method, steps, layers }: RecoveryReport): readonly string[] {
  const listing = table(layers, [
    { heading: "layer", cell: ({ name }) => name },
    { heading: "output error before", cell: ({ errorBefore }) => percentText(errorBefore), numeric: true },
    { heading: `after ${method}`, cell: ({ errorAfter }) => percentText(errorAfter), numeric: true },
  ]);
  const warnings = layers.flatMap(({ name, warnings }) =>
    warnings.map((warning) => printable(`warning: ${name}: ${warning}`)),
  );
  return [
    "",
    listing,
    ...warnings,
    "",
    ...steps.map(({ sparsity, outputError, passed }) => {
      const verdict = passed ? "" : ", beyond the limit: undone";
      return `at sparsity ${percentText(sparsity)} the outputs are off by ${outputError.toPrecision(3)} (relative L2 on held-back samples)${verdict}`;
    }),
  ];
}
