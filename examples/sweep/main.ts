import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ocrLines, ocrModelPath, renderLine, tokenBatch, useLitePath, wordnetGlosses } from "@espalier/testkit";
import { type FinishedRow, type SweepOptions, type SweepResult, sweep } from "espalier";
import { markdownTable } from "markdown-table";

const isQuick = process.argv.includes("--quick");
const here = (file: string): string => join(import.meta.dirname, file);
const grid = isQuick
  ? { criteria: ["l1"], patterns: ["unstructured", "2:4"], sparsities: [0.5], latencyRuns: 10, threads: 1 }
  : {
      criteria: ["wanda", "obs+least-squares"],
      patterns: ["unstructured", "4:8", "2:4", "block:16x4", "blocks:32x256"],
      sparsities: [0.5, 0.75],
    };

/** Sweeps over patterns on one model. A folder keeps what is finished: stop it, start it again, and it goes on. */
function compare(name: string, options: Omit<SweepOptions, "folder" | "patterns">): Promise<SweepResult> {
  const onProgress: SweepOptions["onProgress"] = ({ phase, done, total, item }) => {
    if (phase === "sweep") console.error(`${done}/${total} ${item}`);
  };
  return sweep({ ...grid, ...options, folder: here(`build/${isQuick ? "quick" : "full"}/${name}`), onProgress });
}

const { calibration, test } = wordnetGlosses();
const tests = test.slice(0, isQuick ? 64 : 1000);
const encoder = await compare("sentence-encoder", {
  models: [useLitePath()],
  samples: calibration.slice(0, isQuick ? 32 : 512).map(({ text }) => tokenBatch([text])),
  testSamples: tests.map(({ text }) => tokenBatch([text])),
  labels: tests.map(({ label }) => label),
  metric: here("name-class.ts"),
});

const lines = ocrLines(isQuick ? { calibration: 4, test: 8 } : { calibration: 32, test: 120 });
const reader = await compare("text-reader", {
  models: [ocrModelPath("recognition")],
  samples: lines.calibration.map((line, seed) => ({ x: renderLine(line, { seed }) })),
  testSamples: lines.test.map((line, seed) => ({ x: renderLine(line, { seed: 1000 + seed }) })),
  labels: lines.test,
  metric: here("read-line.ts"),
});

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
const cells = ({ accuracy, ...row }: FinishedRow, { originals: [original] }: SweepResult): string[] => [
  ...[row.model, row.criterion, row.pattern, percent(row.zeros.ofPruned), percent(accuracy!.mean)],
  `${percent(accuracy!.drop)} (${percent(accuracy!.interval.low)} to ${percent(accuracy!.interval.high)})`,
  ...[percent(row.bytes / original!.bytes), percent(row.gzipBytes / original!.gzipBytes), row.speedup.ratio.toFixed(2)],
  row.pareto ? "yes" : "",
];
const header = ["model", "criterion", "pattern", "zeros", "score", "drop", "bytes", "gzip", "speedup", "front"];
const rows = [encoder, reader].flatMap((result) => {
  return result.rows.flatMap((row) => (row.status === "done" ? [cells(row, result)] : []));
});
const table = markdownTable([header, ...rows], { align: ["l", "l", "l", "r", "r", "r", "r", "r", "r", "l"] });
console.log(table);
if (process.argv.includes("--update")) {
  const page = here("../../docs/choosing-a-pattern.md");
  const between = /(?<=<!-- sweep -->\n)[\s\S]*(?=<!-- \/sweep -->)/;
  writeFileSync(
    page,
    readFileSync(page, "utf8").replace(between, () => `${table}\n`),
  );
}
