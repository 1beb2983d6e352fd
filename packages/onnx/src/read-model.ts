import { decodeSource } from "./decode-model.js";
import { OnnxError } from "./errors.js";
import { externalFiles } from "./external-files.js";
import { fileSource } from "./file-source.js";
import type { Model } from "./model.js";

/**
 * Reads a model from disk: its structure now, tensor data when it is asked for. Memory is the structure only, whatever
 * the size of the weights, in the file or in external data.
 *
 * @param path the `.onnx` file; external data is looked for in its folder
 * @throws {OnnxError} `read-failed`, `not-onnx`, `truncated`, `malformed`, `too-deep`, `too-large`, `external-escape`.
 *   Missing external data is an error only when it is read.
 */
export function readModel(path: string): Model {
  try {
    return decodeSource(fileSource(path), externalFiles(path));
  } catch (error) {
    if (!(error instanceof OnnxError) || error.path !== undefined) throw error;
    const context = { path, cause: error, ...(error.offset !== undefined && { offset: error.offset }) };
    throw new OnnxError(error.code, `${path}: ${error.message}`, context);
  }
}
