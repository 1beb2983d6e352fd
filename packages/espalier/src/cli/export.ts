import { PATTERN_FORMS } from "@espalier/core";
import type { Spread } from "@espalier/runtime";
import { Command, InvalidArgumentError, Option } from "commander";
import { bytesText } from "../bytes-text.js";
import { type ExportedModel, exportModel } from "../export/export-model.js";
import {
  type ExportFormat,
  type ExportOptions,
  type ExportValues,
  FORMATS,
  TARGETS,
  VALUES,
} from "../export/export-options.js";
import type { ExportedWeight, ExportReport } from "../export/export-report.js";
import type { ProgressEvent } from "../progress.js";
import { checkWritable, type WrittenModel } from "../write.js";
import { interruptible } from "./interrupt.js";
import { collect, whole } from "./numbers.js";
import { ProgressLine } from "./progress-line.js";
import { type Column, percentText, printable, table } from "./table.js";

/** What the command takes beside its arguments. */
export interface ExportFlags {
  readonly output: string;
  readonly format: ExportFormat;
  readonly values: ExportValues;
  readonly target: NonNullable<ExportOptions["target"]>;
  readonly blocks?: NonNullable<ExportOptions["blocks"]>;
  readonly tune?: boolean;
  readonly rows?: number;
  readonly removeZeroChannels?: boolean;
  readonly include?: string[];
  readonly exclude?: string[];
  readonly force?: boolean;
  readonly measure: boolean;
  readonly json?: boolean;
}

/** `espalier export MODEL -o OUT`: writes a pruned model so that its zeros pay on a target. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write a pruned model so that its zeros make it smaller or faster on a runtime as it is")
    .argument("<model>", "a pruned .onnx file")
    .requiredOption("-o, --output <file>", "where the exported model goes")
    .addOption(new Option("--format <name>", "how weights are stored").choices(FORMATS).default("auto"))
    .addOption(new Option("--values <name>", "what numbers they are stored in").choices(VALUES).default("f32"))
    .addOption(new Option("--target <name>", "what the model runs on").choices(TARGETS).default("ort-node"))
    .option("--blocks <size>", "BKxBN: how weights are cut (default: as the pruning record says)", blockSize)
    .option("--tune", "time the forms of block-sparse products on this machine, instead of going by measured rules")
    .option(
      "--rows <number>",
      "rows that products multiply in a run, such as batch × tokens (default: as declared)",
      whole,
    )
    .option("--remove-zero-channels", "take out channels that make no difference")
    .option("--include <glob>", "export only these weights or nodes (repeatable)", collect)
    .option("--exclude <glob>", "leave these weights or nodes as they are (repeatable)", collect)
    .option("--force", "go on where there is nothing to gain, or outputs are far off")
    .option("--no-measure", "leave out what gzip and brotli make of it, and what loading takes: some seconds less")
    .option("--json", "print one JSON document")
    .action(run);
}

async function run(model: string, { output, json, ...flags }: ExportFlags): Promise<void> {
  checkWritable(output);
  const progress = new ProgressLine(process.stderr);
  try {
    const onProgress = (event: ProgressEvent) => progress.show(event);
    const { exported, written } = await interruptible(async (signal) => {
      const exported = await exportModel(model, { ...flags, onProgress, signal });
      return { exported, written: await exported.write(output) };
    });
    progress.end();
    process.stdout.write(`${json ? document(exported, written) : text(exported, written)}\n`);
  } finally {
    progress.end();
  }
}

function blockSize(text: string): { bk: number; bn: number } {
  const [, bk, bn] = /^([1-9]\d{0,8})x([1-9]\d{0,8})$/.exec(text) ?? [];
  if (bk !== undefined && bn !== undefined) return { bk: Number(bk), bn: Number(bn) };
  const form = PATTERN_FORMS.find((one) => one.startsWith("blocks:")) ?? "blocks:BKxBN";
  throw new InvalidArgumentError(`It must be BKxBN, such as 32x256, as in the pattern ${form}.`);
}

function document({ report }: ExportedModel, { path, bytes }: WrittenModel): string {
  return JSON.stringify({ output: path, ...report, bytes }, null, 2);
}

function text({ report }: ExportedModel, { path, bytes }: WrittenModel): string {
  const share = `${percentText(bytes / report.bytesBefore)} of ${bytesText(report.bytesBefore)}`;
  const removed = (report.removed ?? []).map(({ producers, channels, removed, reason }) => {
    const why = reason === undefined ? "" : `; the others stay: ${reason}`;
    return printable(`${producers.join(", ")}: ${removed} of ${channels} channels removed${why}`);
  });
  return [
    sizesTable(report, bytes),
    ...removed,
    ...[...report.notes, ...report.check.notes].map((note) => printable(`note: ${note}`)),
    "",
    checkText(report.check),
    ...loadingText(report.loading),
    `${path}: ${bytesText(bytes)}, ${share}`,
  ].join("\n");
}

/** A row for each weight, and one for the files as a whole. */
function sizesTable(report: ExportReport, bytes: number): string {
  const { gzipBytesBefore, gzipBytes, brotliBytesBefore, brotliBytes } = report;
  const files = {
    ...{ name: "(files)", encoding: "", reason: "" },
    ...{ bytesBefore: report.bytesBefore, bytesAfter: bytes },
    ...(gzipBytesBefore !== null && gzipBytes !== null && { gzipBytesBefore, gzipBytesAfter: gzipBytes }),
    ...(brotliBytesBefore !== null && brotliBytes !== null && { brotliBytesBefore, brotliBytesAfter: brotliBytes }),
  };
  const isMeasured = brotliBytes !== null;
  return table<ExportedWeight>(
    [...report.weights, files],
    [
      { heading: "weight", cell: ({ name }) => name },
      { heading: "encoding", cell: ({ encoding }) => encoding },
      { heading: "bytes", cell: (row) => changeText(row.bytesBefore, row.bytesAfter), numeric: true },
      ...(isMeasured ? COMPRESSED_COLUMNS : []),
      { heading: "reason", cell: ({ reason }) => reason },
    ],
  );
}

const COMPRESSED_COLUMNS: readonly Column<ExportedWeight>[] = [
  { heading: "gzip", cell: (row) => changeText(row.gzipBytesBefore, row.gzipBytesAfter), numeric: true },
  { heading: "brotli", cell: (row) => changeText(row.brotliBytesBefore, row.brotliBytesAfter), numeric: true },
];

function changeText(before: number | undefined, after: number | undefined): string {
  return before === undefined || after === undefined ? "" : `${bytesText(before)} → ${bytesText(after)}`;
}

function loadingText(loading: ExportReport["loading"]): readonly string[] {
  if (loading === undefined) return [];
  if ("problem" in loading) return [printable(`loading was not measured: ${loading.problem}`)];
  const { before, after } = loading;
  const time = `${spreadText(before.milliseconds, "ms")} → ${spreadText(after.milliseconds, "ms")}`;
  const lines = [`loading, median of ${before.processes} fresh processes: ${time}`];
  if (before.peakBytes === undefined || after.peakBytes === undefined) return lines;
  const peak = `${spreadText(before.peakBytes, "MB", 1e6)} → ${spreadText(after.peakBytes, "MB", 1e6)}`;
  return [...lines, `peak memory while loading, above the runtime's own: ${peak}`];
}

function spreadText({ median, min, max }: Spread, unit: string, divisor = 1): string {
  const number = (value: number): string => (value / divisor).toFixed(1);
  return `${number(median)} ${unit} (${number(min)} to ${number(max)})`;
}

function checkText({ weights, largestError, outputDistance, limit }: ExportReport["check"]): string {
  const decoded = largestError === 0 ? "bit for bit" : `off by at most ${largestError.toPrecision(3)}`;
  const outputs =
    outputDistance === null
      ? "outputs not compared"
      : `outputs on random inputs off by ${outputDistance.toPrecision(3)} (relative L2, limit ${limit})`;
  return `checked: ${weights} decoded weights ${decoded}; ${outputs}`;
}
