import type { Model, TensorData } from "./model.js";
import { regrouped, sourcePieces } from "./pieces.js";
import type { TensorProto } from "./proto.js";
import { mismatch, storedRun, tensorLocation, typedBytes } from "./stored-data.js";
import { tensorByteLength } from "./tensor-size.js";

/**
 * The bytes of {@link tensorBytes} in pieces of 4 MiB, so that a tensor of any size takes no more memory than that. (Data
 * that is stored as a list of varints is decoded as a whole.) Every piece starts an `ArrayBuffer`, so any typed array can
 * be laid over it, and all but the last hold a multiple of 8 elements.
 *
 * A piece is valid until the next one is asked for. The caller may overwrite it.
 *
 * @throws {OnnxError} at once, when the tensor is not stored as its dims say; while it is iterated, when reading fails or an
 *   edit does not keep the size. The codes are those of `tensorBytes`
 */
export function tensorChunks(model: Model, tensor: TensorProto): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  tensorLocation(model, tensor);
  const edit = model.storage.edits.get(tensor);
  if (edit !== undefined) return regrouped(editedPieces(tensor, edit), tensorByteLength(tensor));
  const run = storedRun(model, tensor);
  if (run !== undefined) return sourcePieces(run.source, run.offset, run.offset + run.length);
  const bytes = typedBytes(model, tensor);
  return regrouped([bytes], bytes.length);
}

/**
 * Runs an edit and checks that it keeps the size.
 *
 * @throws {OnnxError} `shape-mismatch`
 */
export function* editedPieces(tensor: TensorProto, edit: TensorData): Generator<Uint8Array, void, undefined> {
  const data = edit();
  const expected = tensorByteLength(tensor);
  let count = 0;
  for (const piece of data instanceof Uint8Array ? [data] : data) {
    count += piece.length;
    if (count > expected) throw mismatch(tensor, `the new data has at least ${count} bytes`);
    yield piece;
  }
  if (count < expected) throw mismatch(tensor, `the new data has ${count} bytes`);
}
