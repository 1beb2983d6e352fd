import { PATTERN_FORMS } from "@espalier/core";
import { Command, InvalidArgumentError, Option } from "commander";
import { type ExportedModel, exportModel } from "../export/export-model.js";
import {
  type ExportFormat,
  type ExportOptions,
  type ExportValues,
  FORMATS,
  TARGETS,
  VALUES,
} from "../export/export-options.js";
import type { ProgressEvent } from "../progress.js";
import { checkWritable, type WrittenModel } from "../write.js";
import { interruptible } from "./interrupt.js";
import { collect } from "./numbers.js";
import { ProgressLine } from "./progress-line.js";
import { bytesText, percentText, printable, table } from "./table.js";

/** What the command takes beside its arguments. */
export interface ExportFlags {
  readonly output: string;
  readonly format: ExportFormat;
  readonly values: ExportValues;
  readonly target: NonNullable<ExportOptions["target"]>;
  readonly blocks?: NonNullable<ExportOptions["blocks"]>;
  readonly removeZeroChannels?: boolean;
  readonly include?: string[];
  readonly exclude?: string[];
  readonly force?: boolean;
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
    .option("--remove-zero-channels", "take out channels that make no difference")
    .option("--include <glob>", "export only these weights or nodes (repeatable)", collect)
    .option("--exclude <glob>", "leave these weights or nodes as they are (repeatable)", collect)
    .option("--force", "go on where there is nothing to gain, or outputs are far off")
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
  const listing = table(report.weights, [
    { heading: "weight", cell: ({ name }) => name },
    { heading: "encoding", cell: ({ encoding }) => encoding },
    { heading: "before", cell: ({ bytesBefore }) => bytesText(bytesBefore), numeric: true },
    { heading: "after", cell: ({ bytesAfter }) => bytesText(bytesAfter), numeric: true },
    { heading: "reason", cell: ({ reason }) => reason },
  ]);
  const share = (after: number, before: number): string => `${percentText(after / before)} of ${bytesText(before)}`;
  const { gzipBytes, gzipBytesBefore } = report;
  const gzip =
    gzipBytes === null || gzipBytesBefore === null
      ? ""
      : `; gzip ${bytesText(gzipBytes)}, ${share(gzipBytes, gzipBytesBefore)}`;
  const removed = (report.removed ?? []).map(({ producers, channels, removed, reason }) => {
    const why = reason === undefined ? "" : `; the others stay: ${reason}`;
    return printable(`${producers.join(", ")}: ${removed} of ${channels} channels removed${why}`);
  });
  return [
    listing,
    ...removed,
    ...[...report.notes, ...report.check.notes].map((note) => printable(`note: ${note}`)),
    "",
    checkText(report.check),
    `${path}: ${bytesText(bytes)}, ${share(bytes, report.bytesBefore)}${gzip}`,
  ].join("\n");
}

function checkText({ weights, largestError, outputDistance, limit }: ExportedModel["report"]["check"]): string {
  const decoded = largestError === 0 ? "bit for bit" : `off by at most ${largestError.toPrecision(3)}`;
  const outputs =
    outputDistance === null
      ? "outputs not compared"
      : `outputs on random inputs off by ${outputDistance.toPrecision(3)} (relative L2, limit ${limit})`;
  return `checked: ${weights} decoded weights ${decoded}; ${outputs}`;
}
