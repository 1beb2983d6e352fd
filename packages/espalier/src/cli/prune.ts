import { existsSync } from "node:fs";
import { ALLOCATION_NAMES, CRITERION_NAMES, PATTERN_FORMS, parseCriterion, parsePattern } from "@espalier/core";
import { obs, type RecoveryMethod } from "@espalier/recover";
import { Command, Option } from "commander";
import { bytesText } from "../bytes-text.js";
import type { ProgressEvent } from "../progress.js";
import { type PrunedModel, type PruneOptions, prune } from "../prune.js";
import type { RecoveryOptions } from "../recovery/recovery-options.js";
import { fromFiles } from "../samples.js";
import { readGrams, readStatistics } from "../statistics.js";
import { checkWritable, type WrittenModel } from "../write.js";
import { Interrupted, interruptible } from "./interrupt.js";
import { collect, decimal, whole } from "./numbers.js";
import { ProgressLine } from "./progress-line.js";
import { byteSize } from "./quantities.js";
import { recoveryText } from "./recovery-text.js";
import { percentText, printable, table } from "./table.js";

/** What the command takes beside its arguments. */
export interface PruneFlags {
  readonly output: string;
  readonly criterion?: string;
  readonly pattern: string;
  readonly sparsity?: number;
  readonly group?: "layer" | "row" | "model";
  readonly samples?: string;
  readonly mask?: string;
  readonly statistics?: string;
  readonly recover?: RecoveryMethod;
  readonly allocation?: NonNullable<RecoveryOptions["allocation"]>;
  readonly schedule?: NonNullable<RecoveryOptions["schedule"]>;
  readonly steps?: number;
  readonly maxOutputError?: number;
  readonly addBiases?: boolean;
  readonly batch?: number;
  readonly threads?: number;
  readonly memory?: number;
  readonly resume?: boolean;
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
    .addOption(
      new Option(
        "--criterion <name>",
        "what makes a weight important (default: obs where weights are recovered, else l1)",
      ).choices([...CRITERION_NAMES, "obs"]),
    )
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
      "inputs to calibrate and recover on: .npz, .npy, .safetensors, .jsonl, a folder, a glob, a module",
    )
    .option("--mask <input>", "with --samples: leave out positions where this input is 0, such as attention_mask")
    .option("--statistics <file>", "what espalier calibrate wrote, instead of samples")
    .addOption(
      new Option(
        "--recover <method>",
        "how kept weights make up for the others (default: least-squares with --samples)",
      ).choices(["none", "bias", "scale", "obs", "least-squares"]),
    )
    .addOption(
      new Option("--allocation <name>", "how the sparsity is divided among the weights (default uniform)").choices(
        ALLOCATION_NAMES,
      ),
    )
    .addOption(
      new Option("--schedule <name>", "how the sparsity grows (default oneshot)").choices([
        "oneshot",
        "gradual",
        "cubic",
      ]),
    )
    .option("--steps <number>", "with --schedule: how many steps (default 4)", whole)
    .option("--max-output-error <limit>", "stop at the last step whose outputs are off by less (relative L2)", decimal)
    .option("--add-biases", "give weights without a bias one that can be corrected")
    .option("--batch <number>", "most samples in one run while recovering (default 32)", whole)
    .option("--threads <number>", "worker threads for recovering (default: the cores)", whole)
    .option("--memory <size>", "what activations may take in memory while recovering (default 2GB)", byteSize)
    .option("--resume", "go on with an interrupted run that left OUT.progress")
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

async function run(model: string, flags: PruneFlags): Promise<void> {
  const start = performance.now();
  checkWritable(flags.output);
  const progress = new ProgressLine(process.stderr);
  const options = { ...optionsOf(flags), onProgress: (event: ProgressEvent) => progress.show(event) };
  try {
    const { pruned, written } = await interruptible(async (signal) => {
      const pruned = await prune(model, { ...options, signal });
      return { pruned, written: await pruned.write(flags.output) };
    });
    progress.end();
    const seconds = (performance.now() - start) / 1000;
    process.stdout.write(flags.json ? `${json(pruned, written, seconds)}\n` : `${text(pruned, written, seconds)}\n`);
  } catch (error) {
    if (error instanceof Interrupted && options.progressFile !== undefined)
      error.message = adviceOn(options.progressFile);
    throw error;
  } finally {
    progress.end();
  }
}

function optionsOf(flags: PruneFlags): PruneOptions {
  const { output, samples, statistics, seed, resume, sparsity, group, json: _, ...same } = flags;
  const recovers = (flags.recover ?? (samples === undefined ? "none" : "least-squares")) !== "none";
  const adjusts = recovers && flags.recover !== "bias" && flags.recover !== "scale" && samples !== undefined;
  const name = flags.criterion ?? (adjusts ? "obs" : "l1");
  return {
    ...same,
    criterion: name === "obs" ? obs() : parseCriterion(name, seed),
    pattern: parsePattern(flags.pattern, sparsity, group),
    ...(samples !== undefined && { calibration: fromFiles(samples) }),
    ...(statistics !== undefined && { statistics: readStatistics(statistics), grams: readGrams(statistics) }),
    ...(recovers && samples !== undefined && { progressFile: `${output}.progress`, resume: resume ?? false }),
  };
}

function adviceOn(progressFile: string): string {
  if (!existsSync(progressFile)) return "interrupted before the first layer was finished: run the same command again";
  return `interrupted: ${progressFile} holds the layers that were finished; run the same command with --resume to go on`;
}

function json({ weights, skipped, sparsity, recovery }: PrunedModel, written: WrittenModel, seconds: number): string {
  const { path, bytes } = written;
  return JSON.stringify({ output: path, bytes, seconds, sparsity, weights, skipped, recovery }, null, 2);
}

function text(
  { weights, skipped, sparsity, recovery }: PrunedModel,
  { path, bytes }: WrittenModel,
  seconds: number,
): string {
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
    ...(recovery ? recoveryText(recovery) : []),
    "",
    `zeros: ${percentText(sparsity.ofPruned)} of the pruned weights, ${percentText(sparsity.ofPrunable)} of the prunable weights, ` +
      `${percentText(sparsity.ofAll)} of all parameters`,
    `${path}: ${bytesText(bytes)} in ${seconds.toFixed(1)} s. Zeros alone make it neither smaller nor faster on a dense runtime; they compress.`,
  ].join("\n");
}
