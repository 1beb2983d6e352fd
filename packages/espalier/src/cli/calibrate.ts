import { existsSync } from "node:fs";
import type { CollectedStatistics, ShardSelection } from "@espalier/calibrate";
import { Command } from "commander";
import { collectStatistics } from "../calibrate.js";
import { calibrationEvent } from "../gather-statistics.js";
import { fromFiles } from "../samples.js";
import { Interrupted, interruptible } from "./interrupt.js";
import { whole } from "./numbers.js";
import { ProgressLine } from "./progress-line.js";
import { byteSize, shardSelection } from "./quantities.js";
import { calibrationDocument, calibrationText } from "./statistics-report.js";

interface Flags {
  readonly samples: string;
  readonly output: string;
  readonly threads?: number;
  readonly batch?: number;
  readonly shardSize?: number;
  readonly shard?: ShardSelection;
  readonly resume?: boolean;
  readonly gram?: boolean;
  readonly memory?: number;
  readonly mask?: string;
  readonly json?: boolean;
}

/** `espalier calibrate MODEL --samples PATH -o STATS`: runs samples and writes how strongly the weights' inputs are driven. */
export function calibrateCommand(): Command {
  return new Command("calibrate")
    .description("run samples through a model and write the activation statistics that --criterion wanda needs")
    .argument("<model>", "an .onnx file")
    .requiredOption("--samples <path>", "inputs: .npz, .npy, .safetensors, .jsonl, a folder, a glob, a module")
    .requiredOption("-o, --output <file>", "where the statistics go, written after every shard")
    .option("--threads <number>", "worker threads, each with a model of its own (default: the cores)", whole)
    .option("--batch <number>", "most samples in one run of the model (default 1)", whole)
    .option("--shard-size <number>", "samples in a shard (default 32)", whole)
    .option("--shard <I/N>", "run only every N-th shard, from the I-th (from 0): one machine's part", shardSelection)
    .option("--resume", "keep the shards that the output has already")
    .option("--gram", "also collect Gram matrices, for compensation")
    .option("--memory <size>", "what Gram matrices may take, in as many passes as needed (default 2GB)", byteSize)
    .option("--mask <input>", "leave out positions where this input is 0, such as attention_mask")
    .option("--json", "print one JSON document")
    .action(run);
}

async function run(model: string, flags: Flags): Promise<void> {
  const start = performance.now();
  const progress = new ProgressLine(process.stderr);
  const { samples, output, json, resume, ...options } = flags;
  let collected: CollectedStatistics;
  try {
    collected = await interruptible((signal) =>
      collectStatistics(model, fromFiles(samples), {
        ...options,
        ...{ output, signal },
        ...(resume && existsSync(output) && { resumeFrom: output }),
        onProgress: (event) => progress.show(calibrationEvent(event)),
      }),
    );
  } catch (error) {
    if (error instanceof Interrupted) error.message = adviceOn(output);
    throw error;
  } finally {
    progress.end();
  }
  const seconds = (performance.now() - start) / 1000;
  process.stdout.write(
    json ? calibrationDocument(output, collected, seconds) : calibrationText(output, collected, seconds),
  );
}

function adviceOn(output: string): string {
  if (!existsSync(output)) return "interrupted before the first shard was finished: run the same command again";
  return `interrupted: ${output} holds the shards that were finished; run the same command with --resume to go on`;
}
