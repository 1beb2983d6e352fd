import { decodeModel, type Model, readModel } from "@espalier/onnx";

/** Reads a model from wherever it is: a path, the bytes of an `.onnx` file, or a model that was read before. */
export function openModel(model: string | Uint8Array | Model): Model {
  if (typeof model === "string") return readModel(model);
  return model instanceof Uint8Array ? decodeModel(model) : model;
}
