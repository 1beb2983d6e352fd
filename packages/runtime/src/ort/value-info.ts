import { isDtype } from "../dtype-arrays.js";
import { RunnerError } from "../runner-error.js";
import type { ValueInfo } from "../tensor.js";
import type { OrtMetadata } from "./ort-module.js";

/** What onnxruntime-web reports for a size that has neither a value nor a name: -1 read as unsigned. */
const WEB_UNKNOWN_DIM = 0xffff_ffff;

/**
 * Translates ONNX Runtime's metadata.
 *
 * @throws {RunnerError} `unsupported-type` for sequences, maps, optionals and element types that {@link ValueInfo} cannot name
 */
export function toValueInfos(metadata: readonly OrtMetadata[]): readonly ValueInfo[] {
  return metadata.map((value) => {
    const type = value.isTensor ? value.type : "not a tensor";
    if (!value.isTensor || !isDtype(type)) throw unsupportedType(`${JSON.stringify(value.name)} is ${type}`);
    return { name: value.name, dtype: type, dims: value.shape.map(toDim) };
  });
}

/** The error for an input or output that JavaScript cannot pass. */
export function unsupportedType(what: string, cause?: unknown): RunnerError {
  const message = `The model's inputs and outputs must be tensors of plain numbers, bools or texts, but ${what}. Put a Cast to float32 into the model there.`;
  return new RunnerError("unsupported-type", message, cause === undefined ? { found: what } : { found: what, cause });
}

/** onnxruntime-node reports a size without a name as an empty name. */
function toDim(dim: number | string): number | string | null {
  return dim === "" || dim === WEB_UNKNOWN_DIM ? null : dim;
}
