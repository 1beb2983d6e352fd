import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { digestSamples } from "@espalier/calibrate";
import { externalDataFiles, type Model } from "@espalier/onnx";
import { EspalierError } from "../errors.js";
import { VERSION } from "../version.js";
import { parseMethod } from "./parse-method.js";
import type { SweepCell } from "./sweep-result.js";
import type { SweepSamples } from "./sweep-samples.js";
import type { CellOptions } from "./sweep-task.js";

/** Digests of everything that the cells of a model depend on beside their own terms, 64 hex digits each. */
export interface ModelDigests {
  readonly model: string;
  readonly calibration: string;
  readonly test: string;
  /** Of labels and of the metric's file; what the metric imports is not in it. */
  readonly accuracy: string;
}

/** @throws {EspalierError} `input` when the metric cannot be read */
export async function digestsOf(
  path: string,
  model: Model,
  { calibration, test, labels }: SweepSamples,
  { metric, scores, top }: CellOptions,
): Promise<ModelDigests> {
  return {
    model: await digestFiles(path, model),
    calibration: digestSamples(calibration),
    test: digestSamples(test),
    accuracy: sha256(JSON.stringify([labels, scores, top, metric !== undefined && sha256(read(metric))], plain)),
  };
}

async function digestFiles(path: string, model: Model): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece);
  for (const [location, bytesOf] of externalDataFiles(model)) hash.update(JSON.stringify(location)).update(bytesOf());
  return hash.digest("hex");
}

/** JSON knows no 64-bit integers, which labels may be. */
function plain(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

function read(metric: string): Uint8Array {
  try {
    return readFileSync(resolve(metric));
  } catch (cause) {
    throw new EspalierError("input", `cannot read the metric ${metric}: ${(cause as Error).message}`, { cause });
  }
}

/** What the figures of an unpruned model are kept by; also its outputs. */
export function originalKey({ model, test, accuracy }: ModelDigests, { latencyRuns }: CellOptions): string {
  return keyOf({ kind: "original", model, test, accuracy, latencyRuns });
}

/** What statistics of a model's inputs are kept by. */
export function statisticsKey({ model, calibration }: ModelDigests, { mask }: CellOptions): string {
  return keyOf({ kind: "statistics", model, calibration, mask });
}

/** What a cell is kept by: only what it depends on is in it, so that a cell without calibration outlives another calibration. */
export function cellKey(cell: SweepCell, digests: ModelDigests, options: CellOptions): string {
  const { criterion, needs } = parseMethod(cell.criterion, options.seed);
  const { model: _, ...terms } = cell;
  const { include, exclude, latencyRuns, mask } = options;
  return keyOf({
    ...{ kind: "cell", terms, include, exclude, latencyRuns },
    ...{ model: digests.model, test: digests.test, accuracy: digests.accuracy },
    ...(needs !== "nothing" && { calibration: digests.calibration, mask }),
    ...("seed" in criterion && { seed: criterion.seed }),
  });
}

function keyOf(parts: object): string {
  return sha256(JSON.stringify({ version: VERSION, ...parts })).slice(0, 32);
}

function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
