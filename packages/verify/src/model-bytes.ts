import { gzipSync } from "node:zlib";
import { encodeModel, externalDataFiles, type Model, modelSize } from "@espalier/onnx";

/**
 * Sizes of a model as it would be written: its `.onnx` bytes and every external data file.
 *
 * @param gzip whether to measure them compressed too, each file on its own at gzip's default level 6; holds one file in memory
 * @throws {OnnxError} when external data cannot be read
 */
export function modelBytes(model: Model, gzip: boolean): { readonly raw: number; readonly gzip: number } {
  const files = gzip ? [() => encodeModel(model), ...externalDataFiles(model).values()] : [];
  return { raw: modelSize(model), gzip: files.reduce((sum, bytesOf) => sum + gzipSync(bytesOf()).length, 0) };
}
