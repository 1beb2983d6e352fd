import { PATTERN_FORMS, type Pattern, parsePattern } from "@espalier/core";
import { formatVerification, type Verification } from "@espalier/verify";
import { Command, Option } from "commander";
import { fromFiles } from "../samples.js";
import { readStatistics } from "../statistics.js";
import { verify } from "../verify.js";
import { EXIT } from "./exit-code.js";
import { collect, decimal } from "./numbers.js";
import { ProgressLine } from "./progress-line.js";

interface Flags {
  readonly samples?: string;
  readonly pattern?: string;
  readonly minSparsity?: number;
  readonly maxOutputError?: number;
  readonly statistics?: string;
  readonly include?: string[];
  readonly exclude?: string[];
  readonly backend: "node" | "web";
  readonly json?: boolean;
}

/** How often each model is timed: enough for a median, little beside loading the models. */
const LATENCY_RUNS = 15;

/** `espalier verify ORIGINAL PRUNED`: judges a pruned model; exit code 1 when a check failed. */
export function verifyCommand(): Command {
  return new Command("verify")
    .description("judge a pruned model against its original: structure, weights, outputs")
    .argument("<original>", "the .onnx file before pruning")
    .argument("<pruned>", "the .onnx file after it, from whatever pruner")
    .option("--samples <path>", "inputs to run both on: .npz, .npy, .safetensors, .jsonl, a folder, a glob, a module")
    .option("--pattern <spec>", `the pattern that weights must have: ${PATTERN_FORMS.join(" | ")}`)
    .option("--min-sparsity <fraction>", "least fraction of zeros in the pruned weights", decimal)
    .option("--max-output-error <error>", "largest relative L2 distance of an output", decimal)
    .option("--statistics <file>", "what wanda saw, so that pruning can be repeated")
    .option("--include <glob>", "the weights or nodes that must have pattern and sparsity (repeatable)", collect)
    .option("--exclude <glob>", "weights or nodes that need not (repeatable)", collect)
    .addOption(new Option("--backend <name>", "where the models run").choices(["node", "web"]).default("node"))
    .option("--json", "print one JSON document")
    .action(run);
}

async function run(original: string, pruned: string, flags: Flags): Promise<void> {
  const progress = new ProgressLine(process.stderr);
  let verification: Verification;
  try {
    verification = await verify({
      original,
      pruned,
      backend: flags.backend,
      latencyRuns: LATENCY_RUNS,
      onProgress: (event) => progress.show(event),
      ...(flags.pattern !== undefined && { pattern: patternOf(flags.pattern, flags.minSparsity) }),
      ...(flags.minSparsity !== undefined && { minSparsity: flags.minSparsity }),
      ...(flags.maxOutputError !== undefined && { maxOutputError: flags.maxOutputError }),
      ...(flags.samples !== undefined && { samples: fromFiles(flags.samples) }),
      ...(flags.statistics !== undefined && { statistics: readStatistics(flags.statistics) }),
      ...(flags.include && { include: flags.include }),
      ...(flags.exclude && { exclude: flags.exclude }),
    });
  } finally {
    progress.end();
  }
  process.stdout.write(`${flags.json ? JSON.stringify(verification, null, 2) : formatVerification(verification)}\n`);
  process.exitCode = verification.status === "failed" ? EXIT.failed : EXIT.done;
}

/** N:M says how sparse it is; other patterns are judged at the sparsity asked for, or as a mere shape. */
function patternOf(text: string, minSparsity = 0): Pattern {
  return parsePattern(text, /^\d+:\d+$/.test(text) ? undefined : minSparsity);
}
