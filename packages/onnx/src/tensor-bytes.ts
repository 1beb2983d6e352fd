import type { Model } from "./model.js";
import { joined } from "./pieces.js";
import type { TensorProto } from "./proto.js";
import { storedRun, tensorLocation, typedBytes } from "./stored-data.js";
import { editedPieces } from "./tensor-chunks.js";
import { tensorByteLength } from "./tensor-size.js";

/**
 * The data of a tensor: little-endian elements in buffer order, as `raw_data` holds them, whatever field or file they
 * are stored in. 4-bit and 2-bit elements stay packed, the first in the lowest bits; bools are 0 or 1 when they come from
 * `int32_data`. Edits made by `withTensorData` are in.
 *
 * @returns a fresh array that starts an `ArrayBuffer` of its own, so any typed array can be laid over it
 * @throws {OnnxError} `shape-mismatch` when dims × element size is not what is stored, before anything is allocated;
 *   `unsupported-dtype` for strings; `malformed`, `truncated`, `external-escape`, `external-missing`, `read-failed`,
 *   `changed`; `unknown-tensor` when the tensor is not of this model
 */
export function tensorBytes(model: Model, tensor: TensorProto): Uint8Array<ArrayBuffer> {
  tensorLocation(model, tensor);
  const edit = model.storage.edits.get(tensor);
  if (edit !== undefined) return joined(editedPieces(tensor, edit), tensorByteLength(tensor));
  const run = storedRun(model, tensor);
  if (run === undefined) return typedBytes(model, tensor);
  const bytes = new Uint8Array(run.length);
  run.source.readInto(bytes, run.offset);
  return bytes;
}
