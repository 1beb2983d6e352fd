import { basename } from "node:path";
import { decodeModel, encodeModel, externalDataFiles, type Model, modelSize, type WriteOptions } from "@espalier/onnx";

/** Larger models are not held in memory for the sake of checks and reports: neither compressed nor run as a whole. */
export const LARGEST_IN_MEMORY = 2 ** 29;

/**
 * How an exported model goes to disk: where the given one had external data, in one new file, `NAME.onnx.data` beside
 * `NAME.onnx`. The given one's own files hold the weights that were encoded, and could not be smaller without them.
 */
export function exportedData(given: Model, exported: Model, path: string): WriteOptions {
  if (exported === given || externalDataFiles(given).size === 0) return {};
  return { externalData: { location: `${basename(path)}.data` } };
}

/** Bytes that an exported model takes on disk, to the length of its name. Reads no tensor. */
export function exportedSize(given: Model, exported: Model): number {
  return modelSize(exported, exportedData(given, exported, "model.onnx"));
}

/**
 * The model as bytes in memory, external data among them, where it is small: otherwise every weight would be encoded anew for the
 * checks, for compressing and for loading, which takes longer than all else.
 */
export function settled(given: Model, exported: Model): Model {
  if (exported === given || exportedSize(given, exported) > LARGEST_IN_MEMORY) return exported;
  return decodeModel(encodeModel(exported, { externalData: "embed" }));
}
