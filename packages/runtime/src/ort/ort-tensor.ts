import { isDtype, makeTensor } from "../dtype-arrays.js";
import { RunnerError } from "../runner-error.js";
import type { Tensor, TensorData } from "../tensor.js";
import type { OrtTensor, OrtTensors } from "./ort-module.js";

/**
 * Hands a checked tensor to ONNX Runtime, without a copy where it can.
 *
 * Where `Float16Array` exists (Node 24), onnxruntime-common turns our bits into one, and onnxruntime-node 1.30 takes that
 * for an array of 0 bytes ("not enough space", microsoft/onnxruntime#32323): the bits are put back.
 */
export function toOrtTensor(ort: OrtTensors, tensor: Tensor): OrtTensor {
  const data = unshared(tensor.data);
  // The overloads of the constructor want each dtype by itself.
  const Class = ort.Tensor as new (dtype: string, data: unknown, dims: readonly number[]) => OrtTensor;
  const made = new Class(tensor.dtype, data, tensor.dims);
  if (tensor.dtype === "float16" && made.data !== data) Object.defineProperty(made, "data", { value: data });
  return made;
}

/** Takes a tensor over from ONNX Runtime; float16 as bits, whatever array the engine has for it. */
export function fromOrtTensor(name: string, value: OrtTensor): Tensor {
  const { type, dims } = value;
  if (!isDtype(type)) throw new RunnerError("unsupported-type", `Output ${JSON.stringify(name)} is of type ${type}.`);
  const data = value.data as TensorData[keyof TensorData];
  return makeTensor(type, [...dims], type === "float16" ? asBits(data as Uint16Array) : data);
}

function asBits(data: Uint16Array): Uint16Array {
  return data.constructor === Uint16Array ? data : new Uint16Array(data.buffer, data.byteOffset, data.length);
}

/** onnxruntime-node takes no arrays on shared memory ("Invalid argument"): those are copied. */
function unshared(data: Tensor["data"]): Tensor["data"] {
  if (Array.isArray(data)) return data;
  const numbers = data as Uint8Array;
  return typeof SharedArrayBuffer !== "undefined" && numbers.buffer instanceof SharedArrayBuffer
    ? numbers.slice()
    : data;
}
