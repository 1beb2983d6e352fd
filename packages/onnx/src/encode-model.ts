import type { ByteSource } from "./byte-source.js";
import { externalEntries, isExternal } from "./external-entries.js";
import { type ExternalFile, entryPlacements, externalLayout } from "./external-layout.js";
import type { Model } from "./model.js";
import { modelSplices } from "./model-splices.js";
import { packedLayout } from "./packed-layout.js";
import { joined } from "./pieces.js";
import type { TensorProto } from "./proto.js";
import { type Splice, splicedPieces, splicedSize } from "./splice.js";
import type { Placement } from "./tensor-splices.js";
import type { WriteOptions } from "./write-model.js";

/**
 * The bytes of the `.onnx` file. A model without edits comes out byte for byte as it went in; otherwise only edited data,
 * the lengths of messages around it and edited metadata differ. External data stay external: see {@link externalDataFiles};
 * with `"embed"` they are in these bytes.
 *
 * @throws {OnnxError} `too-large` above 2 GB; `shape-mismatch` when an edit does not keep the size of its tensor
 */
export function encodeModel(
  model: Model,
  { externalData = "keep" }: { readonly externalData?: "keep" | "embed" } = {},
): Uint8Array<ArrayBuffer> {
  const placements = externalData === "embed" ? embedded(model) : kept(externalLayout(model));
  return spliced(model.storage.source, modelSplices(model, placements));
}

/** All external data into the model file. */
export function embedded(model: Model): ReadonlyMap<TensorProto, Placement> {
  const external = [...model.storage.tensors.keys()].filter(isExternal);
  return new Map(external.map((tensor) => [tensor, { to: "model" }]));
}

function kept(files: readonly ExternalFile[]): ReadonlyMap<TensorProto, Placement> {
  return new Map(files.flatMap((file) => [...entryPlacements(file)]));
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
 * @param options as it is to be written
 * @throws {OnnxError} `external-missing` when a data file is not there; `too-large` when the `.onnx` file would exceed 2 GB
 */
export function modelSize(model: Model, { externalData = "keep" }: WriteOptions = {}): number {
  const fileSize = (placements: ReadonlyMap<TensorProto, Placement>) =>
    splicedSize(model.storage.source.size, modelSplices(model, placements));
  if (externalData === "embed") return fileSize(embedded(model));
  if (externalData !== "keep") {
    const { splices, placements } = packedLayout(model, externalData.location);
    return fileSize(placements) + splicedSize(0, splices);
  }
  const files = externalLayout(model);
  return files.reduce((sum, { source, splices }) => sum + splicedSize(source().size, splices), fileSize(kept(files)));
}

function spliced(source: ByteSource, splices: readonly Splice[]): Uint8Array<ArrayBuffer> {
  return joined(splicedPieces(source, splices), splicedSize(source.size, splices));
}
