import { OnnxError } from "./errors.js";
import { MAX_MODEL_BYTES } from "./limits.js";
import { metadataSplices } from "./metadata.js";
import type { Model } from "./model.js";
import type { TensorProto } from "./proto.js";
import { type Splice, splicedSize, withLengthPrefixes } from "./splice.js";
import { type Placement, tensorSplices } from "./tensor-splices.js";

/**
 * All changes of the model file.
 *
 * @throws {OnnxError} `too-large` when the result would exceed 2 GB, before any data is computed
 */
export function modelSplices(model: Model, placements: ReadonlyMap<TensorProto, Placement>): readonly Splice[] {
  const touched = new Set([...model.storage.edits.keys(), ...placements.keys()]);
  const nested = [...touched].flatMap((tensor) => tensorSplices(model, tensor, placements.get(tensor)));
  const splices = withLengthPrefixes(nested, metadataSplices(model));
  const size = splicedSize(model.storage.source.size, splices);
  if (size > MAX_MODEL_BYTES) {
    const message = `the model would have ${size} bytes, more than the 2 GB that an .onnx file can have: keep its weights in external data`;
    throw new OnnxError("too-large", message);
  }
  return splices;
}
