import { gzipSync } from "node:zlib";
import { encodeModel, externalDataFiles, type Model } from "@espalier/onnx";

/**
 * Sizes of a model as it would be written: its `.onnx` bytes and every external data file.
 *
 * @param gzip whether to measure them compressed too, each file on its own at gzip's default level 6
 * @throws {OnnxError} when external data cannot be read
 */
export function modelBytes(model: Model, gzip: boolean): { readonly raw: number; readonly gzip: number } {
  const files = [() => encodeModel(model), ...externalDataFiles(model).values()];
  let sizes = { raw: 0, gzip: 0 };
  for (const bytesOf of files) {
    const bytes = bytesOf();
    sizes = { raw: sizes.raw + bytes.length, gzip: sizes.gzip + (gzip ? gzipSync(bytes).length : 0) };
  }
  return sizes;
}
