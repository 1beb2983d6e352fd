import { RunnerError } from "../runner-error.js";

/** A model and the files that its weights are kept in. */
export interface ModelFile {
  readonly model: Uint8Array;
  readonly externalData: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads a model and its external data for a backend that has no file system. `@espalier/onnx` is loaded only here: it
 * knows which files a model names and that they must not lie outside of the model's folder.
 *
 * @throws {RunnerError} `load-failed` with the OnnxError as cause; missing external data included
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  const { encodeModel, externalDataFiles, readModel } = await import("@espalier/onnx");
  try {
    const model = readModel(path);
    const files = [...externalDataFiles(model)];
    return { model: encodeModel(model), externalData: new Map(files.map(([location, read]) => [location, read()])) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunnerError("load-failed", `Cannot load ${path}: ${reason}`, { cause });
  }
}
