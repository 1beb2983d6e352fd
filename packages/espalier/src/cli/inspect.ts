import type { ExportTarget } from "@espalier/export";
import { Command, Option } from "commander";
import { EspalierError } from "../errors.js";
import { TARGETS } from "../export/export-options.js";
import { inspect } from "../inspect.js";
import { type Outlook, outlook } from "../outlook/outlook.js";
import { whole } from "./numbers.js";
import { percentText, printable, table } from "./table.js";

interface Flags {
  readonly all?: boolean;
  readonly target?: ExportTarget;
  readonly rows?: number;
  readonly json?: boolean;
}

/** `espalier inspect MODEL`: which weights can be pruned, as what, and why not. */
export function inspectCommand(): Command {
  return new Command("inspect")
    .description("show the weights of a model: which can be pruned, in which patterns, and why not")
    .argument("<model>", "an .onnx file")
    .option("--all", "list every constant tensor, not only prunable weights and tensors of 1024 entries or more")
    .addOption(new Option("--target <name>", "say what pruning would bring there").choices(TARGETS))
    .option("--rows <number>", "with --target: rows that products multiply in a run, such as batch × tokens", whole)
    .option("--json", "print one JSON document")
    .action((model: string, { all = false, json, target, rows }: Flags) => {
      if (rows !== undefined && target === undefined) {
        throw new EspalierError("usage", "--rows says how a target is used: give --target too");
      }
      const inspection = inspect(model);
      const expected = target && outlook(model, target, rows);
      if (json) process.stdout.write(`${JSON.stringify({ ...inspection, outlook: expected }, null, 2)}\n`);
      else process.stdout.write(`${text(inspection, all)}\n${expected ? `\n${outlookText(expected)}\n` : ""}`);
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

function outlookText({ target, prospects }: Outlook): string {
  const listing = table(prospects, [
    { heading: `will it help on ${target}?`, cell: ({ what }) => what },
    { heading: "", cell: ({ verdict }) => verdict },
    { heading: "file", cell: ({ size }) => percentText(size), numeric: true },
    { heading: "these products", cell: ({ speedup: [least, most] }) => factor(least, most), numeric: true },
  ]);
  return [listing, "", ...prospects.map(({ what, reason }) => printable(`${what}: ${reason}.`))].join("\n");
}

function factor(least: number, most: number): string {
  return least === most ? `${least} ×` : `${least} to ${most} ×`;
}
