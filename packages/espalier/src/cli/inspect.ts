import { Command } from "commander";
import { inspect } from "../inspect.js";
import { percentText, table } from "./table.js";

/** `espalier inspect MODEL`: which weights can be pruned, as what, and why not. */
export function inspectCommand(): Command {
  return new Command("inspect")
    .description("show the weights of a model: which can be pruned, in which patterns, and why not")
    .argument("<model>", "an .onnx file")
    .option("--all", "list every constant tensor, not only prunable weights and tensors of 1024 entries or more")
    .option("--json", "print one JSON document")
    .action((model: string, options: { all?: boolean; json?: boolean }) => {
      const inspection = inspect(model);
      process.stdout.write(
        options.json ? `${JSON.stringify(inspection, null, 2)}\n` : `${text(inspection, options.all ?? false)}\n`,
      );
    });
}

function text({ totals, weights }: ReturnType<typeof inspect>, all: boolean): string {
  const shown = weights.filter((weight) => all || weight.prunable || weight.shape.reduce((a, b) => a * b, 1) >= 1024);
  const patterns = Object.keys(weights[0]?.patterns ?? {});
  const listing = table(shown, [
    { heading: "weight", cell: (weight) => weight.name },
    { heading: "op", cell: (weight) => weight.op ?? "" },
    { heading: "dtype", cell: (weight) => weight.dtype },
    { heading: "shape", cell: (weight) => weight.shape.join("×") },
    {
      heading: "out × in",
      cell: (weight) => (weight.prunable ? `${weight.outChannels} × ${weight.inFeatures}` : "–"),
      numeric: true,
    },
    { heading: "zeros", cell: (weight) => percentText(weight.sparsity), numeric: true },
    {
      heading: "can be pruned as",
      cell: (weight) =>
        weight.prunable
          ? patterns.filter((pattern) => weight.patterns[pattern]!.eligible).join(", ")
          : `no: ${weight.reason}`,
    },
  ]);
  const hidden = weights.length - shown.length;
  const prunable = weights.filter((weight) => weight.prunable).length;
  return [
    listing,
    "",
    `${totals.parameters.toLocaleString("en")} parameters, ${totals.prunable.toLocaleString("en")} prunable in ${prunable} weights, ` +
      `${totals.zeros.toLocaleString("en")} zeros`,
    ...(hidden > 0 ? [`${hidden} small tensors that cannot be pruned are not shown: --all lists them`] : []),
  ].join("\n");
}
