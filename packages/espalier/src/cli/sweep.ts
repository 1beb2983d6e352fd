import { join } from "node:path";
import { CRITERION_NAMES, PATTERN_FORMS } from "@espalier/core";
import { Command, InvalidArgumentError } from "commander";
import { bytesText } from "../bytes-text.js";
import { type ExportFormat, FORMATS } from "../export/export-options.js";
import type { ProgressEvent } from "../progress.js";
import { fromFiles } from "../samples.js";
import { sweep } from "../sweep/sweep.js";
import type { FinishedRow, SweepResult, SweepRow } from "../sweep/sweep-result.js";
import { commandText } from "./command-text.js";
import { EXIT } from "./exit-code.js";
import { Interrupted, interruptible } from "./interrupt.js";
import { collect, decimal, whole } from "./numbers.js";
import { ProgressLine } from "./progress-line.js";
import { type Column, percentText, printable, table } from "./table.js";

interface Flags {
  readonly output: string;
  readonly samples: string;
  readonly testSamples?: string;
  readonly patterns: string[];
  readonly sparsities?: number[];
  readonly criteria?: string[];
  readonly formats?: string[];
  readonly labels?: string;
  readonly scores?: string;
  readonly top?: number;
  readonly metric?: string;
  readonly mask?: string;
  readonly include?: string[];
  readonly exclude?: string[];
  readonly seed?: number;
  readonly latencyRuns?: number;
  readonly threads?: number;
  readonly budget?: string;
  readonly json?: boolean;
}

/** What `sweep` writes for people to look at. */
const REPORT = "report.html";

/** `espalier sweep MODEL... -o FOLDER`: which pattern, how sparse, at what cost. */
export function sweepCommand(): Command {
  return new Command("sweep")
    .description("prune models in many ways, measure each against its original, and find the best")
    .argument("<model...>", "one or more .onnx files that take the same samples")
    .requiredOption("-o, --output <folder>", "where results go; a sweep that was stopped goes on from what it holds")
    .requiredOption(
      "--samples <path>",
      "inputs to calibrate on: .npz, .npy, .safetensors, .jsonl, a folder, a glob, a module",
    )
    .option("--test-samples <path>", "inputs to compare models on (default: the second half of --samples)")
    .requiredOption("--patterns <list>", `${PATTERN_FORMS.join(" | ")}, with commas between them`, list)
    .option("--sparsities <list>", "fractions in [0, 1), with commas between them; N:M carries its own", decimals)
    .option(
      "--criteria <list>",
      `${CRITERION_NAMES.join(" | ")} | obs, alone or as in obs+least-squares (default l1,wanda,obs+least-squares)`,
      list,
    )
    .option("--formats <list>", `${FORMATS.join(" | ")} (default auto)`, list)
    .option("--labels <key>", "the class of every test sample stands in the sample files under this name")
    .option("--scores <output>", "with --labels: the output that holds the scores (default: the only one)")
    .option("--top <number>", "with --labels: how many of the best classes count as an answer (default 1)", whole)
    .option("--metric <file>", "a module whose default export scores outputs: (outputs, label, sample) => number")
    .option("--mask <input>", "leave out positions where this input is 0, such as attention_mask")
    .option("--include <glob>", "prune only these weights or nodes (repeatable)", collect)
    .option("--exclude <glob>", "leave these weights or nodes alone (repeatable)", collect)
    .option("--seed <number>", "seed of the criterion random (default 0)", whole)
    .option("--latency-runs <number>", "how often each model is timed (default 30)", whole)
    .option("--threads <number>", "worker threads (default: the cores)", whole)
    .option("--budget <conditions>", 'write the best model that meets them: "drop<=0.01,bytes<=5MB"')
    .option("--json", "print one JSON document")
    .action(run);
}

async function run(models: string[], flags: Flags): Promise<void> {
  const { output, samples, testSamples, formats, json, ...same } = flags;
  const progress = new ProgressLine(process.stderr);
  try {
    const result = await interruptible((signal) =>
      sweep({
        ...same,
        ...{ models, folder: output, command: commandText(process.argv.slice(2)), signal },
        ...{ samples: fromFiles(samples), ...(testSamples !== undefined && { testSamples: fromFiles(testSamples) }) },
        ...(formats && { formats: formats as ExportFormat[] }),
        onProgress: (event: ProgressEvent) => progress.show(event),
      }),
    );
    progress.end();
    process.stdout.write(
      `${json ? JSON.stringify({ ...result, report: join(output, REPORT) }, null, 2) : text(result, output)}\n`,
    );
    process.exitCode = result.budget?.best === null ? EXIT.failed : EXIT.done;
  } catch (error) {
    if (error instanceof Interrupted) {
      error.message = `interrupted: ${output} holds the cells that were finished; run the same command again to go on`;
    }
    throw error;
  } finally {
    progress.end();
  }
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
}

function decimals(text: string): number[] {
  return list(text).map((part) => {
    try {
      return decimal(part);
    } catch {
      throw new InvalidArgumentError(
        `It must be numbers with commas between them, and ${JSON.stringify(part)} is none.`,
      );
    }
  });
}

function text({ rows, originals, samples, metric, budget }: SweepResult, output: string): string {
  const done = rows.filter((row) => row.status === "done");
  const refused = rows.filter((row) => row.status === "refused");
  const headings = originals.map(({ name, bytes, gzipBytes, latencyMs, score }) => {
    const quality = score === undefined ? "" : `, ${metric} ${plusMinus(score.mean, score.standardError)}`;
    return printable(
      `${name}: ${bytesText(bytes)}, gzip ${bytesText(gzipBytes)}, ${latencyMs.toFixed(2)} ms${quality}`,
    );
  });
  return [
    ...headings,
    "",
    ...(done.length > 0 ? [table(done, columnsOf(originals.length > 1, metric)), ""] : []),
    ...refused.map((row) => printable(`refused ${cellText(row)}: ${row.reason}`)),
    ...skippedText(done),
    `${samples.calibration} samples for calibration, ${samples.test} for the test; * on the Pareto front of error, bytes and latency`,
    ...(budget ? [budgetText(budget, rows, output)] : []),
    `${join(output, REPORT)} shows it all, ${join(output, "sweep.json")} holds it for programs`,
  ].join("\n");
}

function columnsOf(severalModels: boolean, metric: string | undefined): readonly Column<FinishedRow>[] {
  return [
    ...(severalModels ? [{ heading: "model", cell: (row: FinishedRow) => row.model }] : []),
    { heading: "criterion", cell: ({ criterion }) => criterion },
    { heading: "pattern", cell: ({ pattern }) => pattern },
    { heading: "zeros", cell: ({ zeros }) => percentText(zeros.ofPruned), numeric: true },
    { heading: "format", cell: ({ format }) => format },
    ...(metric === undefined ? [] : accuracyColumns(metric)),
    { heading: "output error", cell: ({ outputError }) => outputError.toFixed(4), numeric: true },
    { heading: "bytes", cell: ({ bytes }) => bytesText(bytes), numeric: true },
    { heading: "gzip", cell: ({ gzipBytes }) => bytesText(gzipBytes), numeric: true },
    { heading: "ms", cell: ({ latencyMs }) => latencyMs.toFixed(2), numeric: true },
    { heading: "speedup", cell: ({ speedup: { ratio, interval } }) => within(ratio, interval, 2), numeric: true },
    { heading: "", cell: ({ pareto }) => (pareto ? "*" : "") },
  ];
}

function accuracyColumns(metric: string): readonly Column<FinishedRow>[] {
  return [
    { heading: metric, cell: ({ accuracy }) => plusMinus(accuracy!.mean, accuracy!.standardError), numeric: true },
    { heading: "drop", cell: ({ accuracy }) => within(accuracy!.drop, accuracy!.interval, 4), numeric: true },
  ];
}

function skippedText(rows: readonly FinishedRow[]): readonly string[] {
  const reasons = new Map(
    rows.flatMap(({ pattern, skipped }) =>
      skipped.map(({ name, reason }) => [`${pattern} left ${name} dense`, reason]),
    ),
  );
  return [...reasons].map(([what, reason]) => printable(`${what}: ${reason}`));
}

function budgetText(budget: NonNullable<SweepResult["budget"]>, rows: readonly SweepRow[], output: string): string {
  if (budget.best === null) return `no model meets ${budget.text}`;
  return printable(`best within ${budget.text}: ${cellText(rows[budget.best]!)}, written to ${output}/best.onnx`);
}

function cellText({ model, criterion, pattern, sparsity, format }: SweepRow): string {
  return `${model}, ${criterion}, ${pattern}, ${percentText(sparsity)}, ${format}`;
}

function plusMinus(value: number, error: number): string {
  return `${value.toFixed(4)} ± ${error.toFixed(4)}`;
}

function within(value: number, { low, high }: { readonly low: number; readonly high: number }, digits: number): string {
  return `${value.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}
