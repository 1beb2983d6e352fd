import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Model, type WriteOptions, writeModelInSteps } from "@espalier/onnx";
import { EspalierError } from "./errors.js";
import { breathe, type ProgressEvent } from "./progress.js";

/** A model on disk; `bytes` of the `.onnx` file and its external data files together. */
export interface WrittenModel {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Fails before the work rather than after it.
 *
 * @throws {EspalierError} `output` when the folder of `path` does not exist or cannot be written, or `path` is a folder
 */
export function checkWritable(path: string): void {
  const folder = dirname(path);
  const found = statSync(folder, { throwIfNoEntry: false });
  if (!found)
    throw new EspalierError("output", `cannot write ${path}: the folder ${folder} does not exist; create it first`);
  if (!found.isDirectory()) throw new EspalierError("output", `cannot write ${path}: ${folder} is not a folder`);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new EspalierError("output", `cannot write ${path}: it is a folder; name a file`);
  }
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new EspalierError("output", `cannot write ${path}: no permission to write into ${folder}`, { cause: error });
  }
}

/** How a model is written. */
interface WriteRun extends WriteOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** Writes a model and says how large it became; a stop in the middle leaves no trace. */
export async function writeTo(
  model: Model,
  path: string,
  { signal, onProgress, externalData = "keep" }: WriteRun,
): Promise<WrittenModel> {
  checkWritable(path);
  onProgress?.({ phase: "write", done: 0, total: 1, item: path });
  const written = await inTurns(writeModelInSteps(model, path, { externalData }), signal);
  const files = new Set([path, ...written.externalData]);
  return { path, bytes: [...files].reduce((sum, file) => sum + statSync(file).size, 0) };
}

/** Takes the steps of a generator, and a breath before each; an abort is thrown into it, so that it can tidy up. */
async function inTurns<Result>(steps: Generator<void, Result>, signal: AbortSignal | undefined): Promise<Result> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    try {
      await breathe(signal);
    } catch (reason) {
      steps.throw(reason);
    }
  }
}
