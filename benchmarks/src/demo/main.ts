/** `npm run demo`: prunes a real transformer in several patterns, measures every variant, judges one, and sweeps a few into a report. */
import { mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { tokenBatch, useLitePath, wordnetGlosses } from "@espalier/testkit";
import { formatVerification, prune, type Verification, verify } from "espalier";
import { markdownTable } from "markdown-table";
import { replaceBetweenMarkers } from "../docs.js";
import { CACHE } from "./cache.js";
import { CALIBRATION_SIZE, demoStatistics, RECOVERY_SAMPLES, RECOVERY_SIZE } from "./calibration.js";
import { Judge, type Quality, TEST_SIZE } from "./evaluate.js";
import { medianLatencies } from "./latency.js";
import { smallSweep } from "./small-sweep.js";
import { type Variant, variants } from "./variants.js";

const SENTENCE =
  "A sentence of some thirty tokens is what a phone or a gateway embeds for search, and its latency is what a user waits for.";
/** Texts that nothing was calibrated on. */
const JUDGED_TEXTS = wordnetGlosses()
  .test.slice(0, 64)
  .map(({ text }) => text);
const JUDGED = "OBS and least squares, 2:4";

interface Row extends Quality {
  readonly variant: Variant;
  readonly path: string;
  readonly sparsity: number;
  readonly bytes: number;
  readonly gzipBytes: number;
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function measure(variant: Variant, index: number, dense: string, judge: Judge): Promise<Row> {
  const path = variant.options ? join(CACHE, `${index}.onnx`) : dense;
  let sparsity = 0;
  if (variant.options) {
    const pruned = await prune(dense, variant.options);
    await pruned.write(path);
    sparsity = pruned.sparsity.ofPruned;
  }
  const bytes = readFileSync(path);
  const quality = await judge.judge(path, bytes);
  return { variant, path, sparsity, bytes: bytes.length, gzipBytes: gzipSync(bytes).length, ...quality };
}

function table(rows: readonly Row[], latencies: readonly number[]): string {
  const header = ["USE-lite", "accuracy", "mean cosine", "zeros in pruned weights", "MB", "MB gzip", "ms"];
  const body = rows.map(({ variant, accuracy, cosine, sparsity, bytes, gzipBytes }, index) => [
    variant.name,
    `${(100 * accuracy.value).toFixed(1)} ± ${(100 * accuracy.standardError).toFixed(1)} %`,
    cosine.toFixed(3),
    `${(100 * sparsity).toFixed(1)} %`,
    (bytes / 1e6).toFixed(1),
    (gzipBytes / 1e6).toFixed(1),
    latencies[index]!.toFixed(2),
  ]);
  return markdownTable([header, ...body], { align: ["l", "r", "r", "r", "r", "r", "r"] });
}

function caption(): string {
  return (
    `USE-lite, a sentence encoder (two transformer layers, 10 MatMul weights pruned at one rate). Accuracy ± standard error: naming the ` +
    `class of ${TEST_SIZE} WordNet definitions, 16 classes, with a linear probe trained on the dense model and frozen. ` +
    `Wanda saw ${CALIBRATION_SIZE} other definitions and compares per output row; L1 compares per layer. OBS chooses what goes and adjusts what stays, layer by layer, on ${RECOVERY_SIZE} of these; ` +
    `least squares aims at what the dense model computed there. ` +
    `Latency: one sentence, one thread, onnxruntime-node, median of 40 interleaved runs.`
  );
}

async function judgeOne(rows: readonly Row[], dense: string): Promise<Verification> {
  const { variant, path } = rows.find((row) => row.variant.name === JUDGED)!;
  say(`verifying ${variant.name}`);
  return verify({
    original: dense,
    pruned: path,
    pattern: variant.options!.pattern,
    samples: JUDGED_TEXTS.map((text) => tokenBatch([text])),
  });
}

mkdirSync(CACHE, { recursive: true });
say("building USE-lite as ONNX from its npm package");
const dense = useLitePath();
say("training the probe on dense embeddings");
const judge = await Judge.trainedOn(dense, readFileSync(dense));
say(`calibrating on ${CALIBRATION_SIZE} other definitions`);
const chosen = variants(await demoStatistics(dense), RECOVERY_SAMPLES);
const rows: Row[] = [];
for (const [index, variant] of chosen.entries()) {
  say(`${index + 1}/${chosen.length} ${variant.name}: pruning, running ${TEST_SIZE} definitions`);
  rows.push(await measure(variant, index, dense, judge));
}
say("measuring latency");
const latencies = await medianLatencies(
  rows.map(({ path }) => path),
  tokenBatch([SENTENCE]),
);
const report = `${table(rows, latencies)}\n\n${caption()}`;
process.stdout.write(`\n${report}\n\n`);
if (process.argv.includes("--update")) {
  replaceBetweenMarkers(join(import.meta.dirname, "../../../README.md"), "demo", `${report}\n\n\`npm run demo\``);
}
const verdict = await judgeOne(rows, dense);
process.stdout.write(`espalier verify, ${JUDGED}:\n\n${formatVerification(verdict)}\n`);
if (verdict.status === "failed") process.exitCode = 1;
say("\nespalier sweep: patterns compared, as a page");
const page = await smallSweep(dense, say);
process.stdout.write(`\nThe sweep's report: ${relative(process.cwd(), page)}\n`);
