import { dtypeName, elementCount, floatBytes, type TensorProto } from "@espalier/onnx";
import { ExportError } from "./export-error.js";

/** New values of a tensor in buffer order, or what computes them: called once each time the tensor is read or written. */
export type NewValues = Values | (() => Values);

type Values = Float32Array | Float64Array;

/** Exponent bits of 16-bit floats; all of them are set in NaN and ±Infinity alone. */
const HALF_EXPONENT: Readonly<Record<string, number>> = { float16: 0x7c00, bfloat16: 0x7f80 };

/**
 * Refuses tensors that take no new values: quantised ones hold multiples of a scale that fits their old values, and integers
 * are no numbers to adjust.
 *
 * @throws {ExportError} `unsupported-dtype`
 */
export function requireAdjustable(name: string, { dataType }: TensorProto): void {
  const dtype = dtypeName(dataType);
  if (["float32", "float64", "float16", "bfloat16"].includes(dtype)) return;
  const reason =
    dtype === "int8" || dtype === "uint8"
      ? "its scale fits the values it has: recover the float model first, and quantise it afterwards"
      : "only float32, float64, float16 and bfloat16 do";
  throw new ExportError("unsupported-dtype", `"${name}" is ${dtype} and takes no new values: ${reason}`, {
    weight: name,
  });
}

/**
 * The values themselves.
 *
 * @throws {ExportError} `values-mismatch` when they are not as many as the tensor has elements
 */
export function resolveValues(name: string, tensor: TensorProto, given: NewValues): Values {
  const values = typeof given === "function" ? given() : given;
  const expected = elementCount(tensor);
  if (values.length === expected) return values;
  const shape = `[${tensor.dims.join(", ")}]`;
  const message = `there are ${values.length} new values for "${name}", expected ${expected} for its shape ${shape}`;
  throw new ExportError("values-mismatch", message, { weight: name });
}

/**
 * A run of new values as a tensor stores them: rounded once to the nearest value of its type, ties to even. What rounds to −0
 * becomes +0, so that every zero is the one that pruning makes.
 *
 * @throws {ExportError} `not-finite` at NaN, ±Infinity, and what is too large for the type
 */
export function encodedValues(
  name: string,
  tensor: TensorProto,
  values: Values,
  first: number,
  count: number,
): Uint8Array {
  const run = values.subarray(first, first + count);
  const bytes = floatBytes(tensor, run);
  const dtype = dtypeName(tensor.dataType);
  const bad = normalizeZeros(dtype, bytes);
  if (bad < 0) return bytes;
  const message = `the new values of "${name}" hold ${run[bad]} at index ${first + bad}, which is no finite ${dtype}`;
  throw new ExportError("not-finite", message, { weight: name });
}

/** Turns −0 into +0 in place; returns the index of the first element that is not finite, or −1. */
function normalizeZeros(dtype: string, { buffer }: Uint8Array): number {
  const exponent = HALF_EXPONENT[dtype];
  if (exponent === undefined) {
    const elements = dtype === "float32" ? new Float32Array(buffer) : new Float64Array(buffer);
    for (let index = 0; index < elements.length; index++) {
      if (elements[index] === 0) elements[index] = 0;
      else if (!Number.isFinite(elements[index])) return index;
    }
    return -1;
  }
  const halves = new Uint16Array(buffer);
  for (let index = 0; index < halves.length; index++) {
    if (halves[index] === 0x8000) halves[index] = 0;
    else if ((halves[index]! & exponent) === exponent) return index;
  }
  return -1;
}
