import { accessSync, constants, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { externalDataFiles, type Model, readModel, writeModel } from "@espalier/onnx";
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
  if (!found) throw new EspalierError("output", `cannot write ${path}: the folder ${folder} does not exist; create it first`);
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

/** Writes a model and says how large it became. */
export async function writeTo(
  model: Model,
  path: string,
  { signal, onProgress }: { readonly signal?: AbortSignal; readonly onProgress?: (event: ProgressEvent) => void },
): Promise<WrittenModel> {
  checkWritable(path);
  await breathe(signal);
  onProgress?.({ phase: "write", done: 0, total: 1, item: path });
  writeModel(model, path);
  const external = [...externalDataFiles(readModel(path)).keys()];
  const files = [path, ...external.map((location) => join(dirname(path), location))];
  return { path, bytes: files.reduce((sum, file) => sum + statSync(file).size, 0) };
}
