import { dtypeName } from "./dtype.js";
import { OnnxError } from "./errors.js";
import type { Model } from "./model.js";
import type { TensorProto } from "./proto.js";
import { quote } from "./quote.js";
import { tensorChunks } from "./tensor-chunks.js";
import { elementCount } from "./tensor-size.js";
import { floatValues } from "./weights/read-values.js";

/**
 * The numbers of a floating-point tensor in buffer order: float32, float16 and bfloat16 exactly as f32, float64 as f64.
 *
 * @returns a fresh array
 * @throws {OnnxError} `unsupported-dtype` for other types; what `tensorBytes` throws
 */
export function tensorValues(model: Model, tensor: TensorProto): Float32Array | Float64Array {
  const dtype = dtypeName(tensor.dataType);
  if (dtype !== "float32" && dtype !== "float64" && dtype !== "float16" && dtype !== "bfloat16") {
    throw new OnnxError("unsupported-dtype", `tensor ${quote(tensor.name)} holds ${dtype}, not floating-point numbers`);
  }
  return floatValues(tensorChunks(model, tensor), dtype, elementCount(tensor));
}
