import { fixesSparsity, PATTERN_FORMS, type Pattern, parsePattern } from "@espalier/core";
import type { Backend } from "@espalier/runtime";
import {
  type Check,
  encodeCertificate,
  formatChecks,
  formatJunit,
  formatMarkdown,
  formatVerification,
  isVerifyError,
  type Verification,
  verifyCertified,
} from "@espalier/verify";
import { Command } from "commander";
import { certify, readCertificate } from "../certificate.js";
import { EspalierError } from "../errors.js";
import { loadMetric } from "../load-metric.js";
import { openModel } from "../open-model.js";
import type { PruneOptions } from "../prune.js";
import { verifyReport } from "../report/verify-report.js";
import { fromFiles } from "../samples.js";
import { readGrams, readStatistics } from "../statistics.js";
import { verify } from "../verify.js";
import { checkWritable } from "../write.js";
import { writeWhole } from "../write-whole.js";
import { addBackends, BACKENDS } from "./backend-names.js";
import { commandText } from "./command-text.js";
import { EXIT } from "./exit-code.js";
import { flagName } from "./flag-name.js";
import { collect, decimal, whole } from "./numbers.js";
import { ProgressLine } from "./progress-line.js";
import { byteSize } from "./quantities.js";

/** What the command takes beside its arguments. */
export interface VerifyFlags {
  readonly samples?: string;
  readonly pattern?: string;
  readonly minSparsity?: number;
  readonly maxOutputError?: number;
  readonly labels?: string;
  readonly scores?: string;
  readonly top?: number;
  readonly metric?: string;
  readonly maxAccuracyDrop?: number;
  readonly confident?: boolean;
  readonly maxBytes?: number;
  readonly minSpeedup?: number;
  readonly certificate?: string;
  readonly writeCertificate?: string;
  readonly compressed?: boolean;
  readonly loads?: number;
  readonly junit?: string;
  readonly markdown?: string;
  readonly report?: string;
  readonly repeat?: string | true;
  readonly statistics?: string;
  readonly include?: string[];
  readonly exclude?: string[];
  readonly backend?: readonly Backend[];
  readonly maxBackendDifference?: number;
  readonly json?: boolean;
}

/** The flags that mean something beside a certificate alone. */
const ALONE: ReadonlySet<string> = new Set(["certificate", "junit", "markdown", "json"]);

/** How often each model is timed: enough for a median, little beside loading the models. */
const LATENCY_RUNS = 15;

/** The same where a speed-up is judged: what chance does must be told apart. */
const JUDGED_LATENCY_RUNS = 60;

/** How often each model is loaded in a process of its own: once is enough to see twice the memory, and takes half a second. */
const LOADS = 1;

/** `espalier verify ORIGINAL PRUNED`: judges a pruned model; exit code 1 when a check failed. */
export function verifyCommand(): Command {
  return new Command("verify")
    .description("judge a pruned model against its original: structure, weights, outputs")
    .argument("<original>", "the .onnx file before pruning")
    .argument(
      "[pruned]",
      "the .onnx file after it, from whatever pruner; left out, the first is judged by --certificate alone",
    )
    .option("--samples <path>", "inputs to run both on: .npz, .npy, .safetensors, .jsonl, a folder, a glob, a module")
    .option("--pattern <spec>", `the pattern that weights must have: ${PATTERN_FORMS.join(" | ")}`)
    .option("--min-sparsity <fraction>", "least fraction of zeros in the pruned weights", decimal)
    .option("--max-output-error <error>", "largest relative L2 distance of an output", decimal)
    .option("--labels <key>", "an array in the sample files with the class of every sample: accuracy is measured then")
    .option("--scores <output>", "with --labels: the output with scores or classes (default: the only one)")
    .option("--top <number>", "with --labels: how many of the best classes count (default 1)", whole)
    .option("--metric <module>", "a module whose default export scores (outputs, label, sample), instead of classes")
    .option("--max-accuracy-drop <drop>", "largest drop of the accuracy or the metric, such as 0.01", decimal)
    .option("--confident", "judge the bad end of the drop's 95 % interval, not the drop alone")
    .option("--max-bytes <size>", "largest size of the pruned model, such as 5MB", byteSize)
    .option("--min-speedup <ratio>", "least ratio of the original's time to the pruned model's", decimal)
    .option("--certificate <file>", "check again what was certified: which masks still hold, which weights moved")
    .option("--write-certificate <file>", "when everything passed, certify the pruned model: masks, hashes, results")
    .option("--compressed", "tell what gzip and brotli make of both models: a second for 10 MB")
    .option("--loads <number>", `fresh processes that load each model, for time and memory (default ${LOADS})`, whole)
    .option("--junit <file>", "write the checks as JUnit XML")
    .option("--markdown <file>", "write the checks as Markdown, for a pull request")
    .option("--report <file>", "write a report with plots and pictures of the masks, as one HTML file")
    .option(
      "--repeat [samples]",
      "prune again as recorded, with 1 and more workers, on the samples it saw; same bytes?",
    )
    .option("--statistics <file>", "what wanda saw, so that pruning can be repeated")
    .option("--include <glob>", "the weights or nodes that must have pattern and sparsity (repeatable)", collect)
    .option("--exclude <glob>", "weights or nodes that need not (repeatable)", collect)
    .option(
      "--backend <names>",
      `where the models run: ${BACKENDS.join(", ")} (default node; repeatable). Several are compared`,
      addBackends,
    )
    .option(
      "--max-backend-difference <error>",
      "with several backends: largest relative L2 distance between them (default 0.001)",
      decimal,
    )
    .option("--json", "print one JSON document")
    .action(run);
}

async function run(original: string, pruned: string | undefined, flags: VerifyFlags): Promise<void> {
  for (const path of [flags.junit, flags.markdown, flags.report, flags.writeCertificate]) {
    if (path !== undefined) checkWritable(path);
  }
  const verification =
    pruned === undefined
      ? judgeAlone(original, flags)
      : await judgeBoth(original, pruned, flags).catch(showFinished(flags));
  const judged = pruned ?? original;
  if (flags.junit !== undefined) writeWhole(flags.junit, formatJunit(verification, { name: judged }));
  if (flags.markdown !== undefined) writeWhole(flags.markdown, formatMarkdown(verification, { title: judged }));
  const [backend] = flags.backend ?? [];
  if (flags.report !== undefined && pruned !== undefined) {
    const shown = { verification, title: pruned, commands: [commandText(process.argv.slice(2))] };
    writeWhole(flags.report, await verifyReport({ ...shown, original, pruned, ...(backend && { backend }) }));
  }
  process.stdout.write(`${flags.json ? JSON.stringify(verification, null, 2) : formatVerification(verification)}\n`);
  process.exitCode = verification.status === "failed" ? EXIT.failed : EXIT.done;
  if (flags.writeCertificate === undefined || pruned === undefined) return;
  if (verification.status === "failed") process.stderr.write("no certificate was written: the verification failed\n");
  else writeWhole(flags.writeCertificate, encodeCertificate(await certify(original, pruned, verification, backend)));
}

/** What was found before an error stopped the verification is shown, and the error passed on. */
function showFinished({ json }: VerifyFlags): (error: unknown) => never {
  return (error) => {
    const checks: readonly Check[] = isVerifyError(error) ? error.checks : [];
    const { message } = error as Error;
    if (checks.length > 0) {
      process.stdout.write(
        json ? `${JSON.stringify({ status: "stopped", message, checks }, null, 2)}\n` : formatChecks(checks),
      );
    }
    throw error;
  };
}

/** What a certificate says about a model whose original is not at hand. */
function judgeAlone(model: string, flags: VerifyFlags): Verification {
  if (flags.certificate === undefined) {
    throw new EspalierError("usage", "give the pruned model too, or --certificate to judge this one by");
  }
  const others = Object.keys(flags).filter((flag) => !ALONE.has(flag));
  if (others.length === 0) return verifyCertified(openModel(model), readCertificate(flags.certificate));
  throw new EspalierError(
    "usage",
    `with a certificate alone there is nothing to compare: leave out ${others.map(flagName).join(", ")}, or give both models`,
  );
}

async function judgeBoth(original: string, pruned: string, flags: VerifyFlags): Promise<Verification> {
  const progress = new ProgressLine(process.stderr);
  try {
    return await verify({
      original,
      pruned,
      latencyRuns: flags.minSpeedup === undefined ? LATENCY_RUNS : JUDGED_LATENCY_RUNS,
      loads: flags.loads ?? LOADS,
      ...(flags.compressed && { compressed: true }),
      onProgress: (event) => progress.show(event),
      ...(flags.backend && { backend: flags.backend }),
      ...(flags.maxBackendDifference !== undefined && { maxBackendDifference: flags.maxBackendDifference }),
      ...(flags.pattern !== undefined && { pattern: patternOf(flags.pattern, flags.minSparsity) }),
      ...(flags.minSparsity !== undefined && { minSparsity: flags.minSparsity }),
      ...(flags.maxOutputError !== undefined && { maxOutputError: flags.maxOutputError }),
      ...(flags.samples !== undefined && { samples: fromFiles(flags.samples) }),
      ...(flags.labels !== undefined && { labels: flags.labels }),
      ...(flags.scores !== undefined && { scores: flags.scores }),
      ...(flags.top !== undefined && { top: flags.top }),
      ...(flags.metric !== undefined && { metric: await loadMetric(flags.metric) }),
      ...(flags.maxAccuracyDrop !== undefined && { maxAccuracyDrop: flags.maxAccuracyDrop }),
      ...(flags.confident && { confident: true }),
      ...(flags.maxBytes !== undefined && { maxBytes: flags.maxBytes }),
      ...(flags.minSpeedup !== undefined && { minSpeedup: flags.minSpeedup }),
      ...(flags.report !== undefined && { gzip: true }),
      ...(flags.statistics !== undefined && { statistics: readStatistics(flags.statistics) }),
      ...(flags.repeat !== undefined && { repeat: repeatOf(flags) }),
      ...(flags.certificate !== undefined && { certificate: readCertificate(flags.certificate) }),
      ...(flags.include && { include: flags.include }),
      ...(flags.exclude && { exclude: flags.exclude }),
    });
  } finally {
    progress.end();
  }
}

function repeatOf({ repeat, statistics }: VerifyFlags): Partial<PruneOptions> {
  return {
    ...(typeof repeat === "string" && { calibration: fromFiles(repeat) }),
    ...(statistics !== undefined && { statistics: readStatistics(statistics), grams: readGrams(statistics) }),
  };
}

/** N:M says how sparse it is; other patterns are judged at the sparsity asked for, or as a mere shape. */
function patternOf(text: string, minSparsity = 0): Pattern {
  return parsePattern(text, fixesSparsity(text) ? undefined : minSparsity);
}
