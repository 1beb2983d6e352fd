import type { ByteSource } from "./byte-source.js";
import { externalEntries } from "./external-entries.js";
import { entryPlacements, externalLayout } from "./external-layout.js";
import type { Model } from "./model.js";
import { modelSplices } from "./model-splices.js";
import { joined } from "./pieces.js";
import { type Splice, splicedPieces, splicedSize } from "./splice.js";

/**
 * The bytes of the `.onnx` file. A model without edits comes out byte for byte as it went in; otherwise only edited data,
 * the lengths of messages around it and edited metadata differ. External data stay external: see {@link externalDataFiles}.
 *
 * @throws {OnnxError} `too-large` above 2 GB; `shape-mismatch` when an edit does not keep the size of its tensor
 */
export function encodeModel(model: Model): Uint8Array<ArrayBuffer> {
  const placements = new Map(externalLayout(model).flatMap((file) => [...entryPlacements(file)]));
  return spliced(model.storage.source, modelSplices(model, placements));
}

/**
 * The external data files that belong to the bytes of {@link encodeModel}, edits applied.
 *
 * @returns location as the model names it → a function that computes the bytes of the file on every call
 */
export function externalDataFiles(model: Model): ReadonlyMap<string, () => Uint8Array<ArrayBuffer>> {
  return new Map(
    externalLayout(model).flatMap(({ tensors, source, splices }) => {
      const names = new Set(tensors.map((tensor) => externalEntries(tensor).location));
      return [...names].map((name) => [name, () => spliced(source(), splices)] as const);
    }),
  );
}

/**
 * Bytes that the model takes on disk: its `.onnx` file and every external data file once, edits applied. Reads no tensor.
 *
 * @throws {OnnxError} `external-missing` when a data file is not there
 */
export function modelSize(model: Model): number {
  const files = externalLayout(model);
  const placements = new Map(files.flatMap((file) => [...entryPlacements(file)]));
  const own = splicedSize(model.storage.source.size, modelSplices(model, placements));
  return files.reduce((sum, { source, splices }) => sum + splicedSize(source().size, splices), own);
}

function spliced(source: ByteSource, splices: readonly Splice[]): Uint8Array<ArrayBuffer> {
  return joined(splicedPieces(source, splices), splicedSize(source.size, splices));
}
