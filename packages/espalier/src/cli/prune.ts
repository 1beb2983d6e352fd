import { CRITERION_NAMES, PATTERN_FORMS, parseCriterion, parsePattern } from "@espalier/core";
import { Command, Option } from "commander";
import { type PrunedModel, prune } from "../prune.js";
import { fromFiles } from "../samples.js";
import { readStatistics } from "../statistics.js";
import { checkWritable, type WrittenModel } from "../write.js";
import { interruptible } from "./interrupt.js";
import { collect, decimal, whole } from "./numbers.js";
import { ProgressLine } from "./progress-line.js";
import { bytesText, percentText, printable, table } from "./table.js";

interface Flags {
  readonly output: string;
  readonly criterion: string;
  readonly pattern: string;
  readonly sparsity?: number;
  readonly group?: "layer" | "row" | "model";
  readonly samples?: string;
  readonly mask?: string;
  readonly statistics?: string;
  readonly include?: string[];
  readonly exclude?: string[];
  readonly onUnsupported: "error" | "skip";
  readonly seed?: number;
  readonly json?: boolean;
}

/** `espalier prune MODEL -o OUT`: sets weights to zero and writes the model. */
export function pruneCommand(): Command {
  return new Command("prune")
    .description("set the least important weights to zero, in a pattern, and write the model")
    .argument("<model>", "an .onnx file")
    .requiredOption("-o, --output <file>", "where the pruned model goes")
    .addOption(new Option("--criterion <name>", "what makes a weight important").choices(CRITERION_NAMES).default("l1"))
    .option("--pattern <spec>", `${PATTERN_FORMS.join(" | ")}; N:M keeps N of M`, "unstructured")
    .option("--sparsity <fraction>", "fraction of weights that become zero, in [0, 1); N:M carries its own", decimal)
    .addOption(
      new Option("--group <name>", "weights that are ranked together, unstructured only").choices([
        "layer",
        "row",
        "model",
      ]),
    )
    .option(
      "--samples <path>",
      "what wanda calibrates on: .npz, .npy, .safetensors, .jsonl, a folder, a glob, a module",
    )
    .option("--mask <input>", "with --samples: leave out positions where this input is 0, such as attention_mask")
    .option("--statistics <file>", "what wanda calibrated on before: see espalier calibrate")
    .option("--include <glob>", "prune only these weights or nodes (repeatable)", collect)
    .option("--exclude <glob>", "leave these weights or nodes alone (repeatable)", collect)
    .addOption(
      new Option("--on-unsupported <policy>", "a weight that cannot take the pattern stops the run, or stays dense")
        .choices(["error", "skip"])
        .default("error"),
    )
    .option("--seed <number>", "seed of --criterion random (default 0)", whole)
    .option("--json", "print one JSON document")
    .action(run);
}

async function run(model: string, flags: Flags): Promise<void> {
  const start = performance.now();
  const criterion = parseCriterion(flags.criterion, flags.seed);
  const pattern = parsePattern(flags.pattern, flags.sparsity, flags.group);
  checkWritable(flags.output);
  const progress = new ProgressLine(process.stderr);
  try {
    const { pruned, written } = await interruptible(async (signal) => {
      const pruned = await prune(model, {
        criterion,
        pattern,
        onUnsupported: flags.onUnsupported,
        onProgress: (event) => progress.show(event),
        signal,
        ...(flags.samples !== undefined && { calibration: fromFiles(flags.samples) }),
        ...(flags.mask !== undefined && { mask: flags.mask }),
        ...(flags.statistics !== undefined && { statistics: readStatistics(flags.statistics) }),
        ...(flags.include && { include: flags.include }),
        ...(flags.exclude && { exclude: flags.exclude }),
      });
      return { pruned, written: await pruned.write(flags.output) };
    });
    progress.end();
    const seconds = (performance.now() - start) / 1000;
    process.stdout.write(flags.json ? `${json(pruned, written, seconds)}\n` : `${text(pruned, written, seconds)}\n`);
  } finally {
    progress.end();
  }
}

function json({ weights, skipped, sparsity }: PrunedModel, { path, bytes }: WrittenModel, seconds: number): string {
  return JSON.stringify({ output: path, bytes, seconds, sparsity, weights, skipped }, null, 2);
}

function text({ weights, skipped, sparsity }: PrunedModel, { path, bytes }: WrittenModel, seconds: number): string {
  const listing = table(weights, [
    { heading: "weight", cell: (weight) => weight.name },
    { heading: "pattern", cell: (weight) => weight.pattern },
    { heading: "zeros", cell: (weight) => weight.zeros.toLocaleString("en"), numeric: true },
    { heading: "of", cell: (weight) => weight.total.toLocaleString("en"), numeric: true },
    { heading: "sparsity", cell: (weight) => percentText(weight.sparsity), numeric: true },
  ]);
  return [
    listing,
    ...skipped.map(({ name, reason }) => printable(`skipped ${name}: ${reason}`)),
    "",
    `zeros: ${percentText(sparsity.ofPruned)} of the pruned weights, ${percentText(sparsity.ofPrunable)} of the prunable weights, ` +
      `${percentText(sparsity.ofAll)} of all parameters`,
    `${path}: ${bytesText(bytes)} in ${seconds.toFixed(1)} s. Zeros alone make it neither smaller nor faster on a dense runtime; they compress.`,
  ].join("\n");
}
