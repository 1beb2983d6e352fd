import type { Model, TensorData } from "./model.js";
import type { TensorProto } from "./proto.js";
import { tensorLocation } from "./stored-data.js";
import { tensorByteLength } from "./tensor-size.js";

/**
 * A model in which the given tensors have other data of the same size and type.
 *
 * @param edits tensor objects of `model.proto` → a function that computes the new bytes (little-endian elements in buffer
 *   order, as `tensorBytes` returns them). It is called once each time the data is written or read, so that only one
 *   tensor has to be in memory, and of a large one that it returns in pieces (a generator over `tensorChunks`) only some
 *   megabytes. A tensor that has been edited before gets the newer data.
 * @throws {OnnxError} `unknown-tensor`, `unsupported-dtype`, `shape-mismatch` (absurd dims), `malformed` (negative dims)
 */
export function withTensorData(model: Model, edits: ReadonlyMap<TensorProto, TensorData>): Model {
  for (const tensor of edits.keys()) {
    tensorLocation(model, tensor);
    tensorByteLength(tensor);
  }
  return { ...model, storage: { ...model.storage, edits: new Map([...model.storage.edits, ...edits]) } };
}
