import { makeTensor } from "../dtype-arrays.js";
import { elementCount, type Tensor, type TensorData } from "../tensor.js";
import { badSamples } from "./bad-samples.js";
import { fortranToC } from "./fortran-order.js";
import { decodeElements, dtypeSize, type FixedSizeDtype, firstBadBool } from "./little-endian.js";
import { readNpyHeader } from "./npy-header.js";
import { decodeNumpyText } from "./numpy-text.js";

const DTYPES: Readonly<Record<string, FixedSizeDtype>> = {
  b1: "bool",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  f2: "float16",
  f4: "float32",
  f8: "float64",
};

/**
 * Decodes a `.npy` file: numbers and bools in either byte order, text (`<U5`, `|S5`), C or Fortran order (turned into C
 * order). Records, objects (pickles), complex numbers and dates are refused.
 *
 * @param bytes the whole file and nothing after it
 * @param name for messages @default "npy"
 * @returns the array, row-major
 * @throws {RunnerError} `bad-samples` with `entry` (the name) and `offset`
 */
export function decodeNpy(bytes: Uint8Array, name = "npy"): Tensor {
  const { descr, fortranOrder, shape, dataOffset } = readNpyHeader(bytes, name);
  const [, order = "", kind = "", digits = ""] = /^([<>|=])([a-zA-Z])([1-9]\d{0,8})$/.exec(descr) ?? [];
  const isText = kind === "U" || kind === "S";
  const dtype = isText ? "string" : DTYPES[kind + digits];
  if (dtype === undefined) {
    const found = `type '${descr}'`;
    throw fail(name, dataOffset, `${found}; expected bool, int, uint, float16, float32, float64 or text.`, found);
  }
  const width = Number(digits);
  const itemBytes = dtype !== "string" ? dtypeSize(dtype) : kind === "U" ? width * 4 : width;
  const data = exactly(bytes.subarray(dataOffset), shape, itemBytes, name, dataOffset);
  const elements = decodeData(dtype, data, {
    bigEndian: order === ">",
    wide: kind === "U",
    width,
    count: elementCount(shape),
  });
  if (typeof elements === "number") {
    throw fail(
      name,
      dataOffset + elements,
      isText ? "text that is not valid Unicode." : `a bool of ${data[elements]}; expected 0 or 1.`,
    );
  }
  return makeTensor(dtype, shape, fortranOrder ? fortranToC(elements, shape) : elements);
}

/** The elements, or the offset of the first byte that cannot be one. */
function decodeData(
  dtype: FixedSizeDtype | "string",
  data: Uint8Array,
  layout: { bigEndian: boolean; wide: boolean; width: number; count: number },
): TensorData[keyof TensorData] | number {
  if (dtype === "string") return decodeNumpyText(data, layout);
  const badBool = dtype === "bool" ? firstBadBool(data) : -1;
  return badBool >= 0 ? badBool : decodeElements(dtype, data, layout.bigEndian);
}

/** Checks the size in doubles before anything is allocated: a product that overflows is larger than any file. */
function exactly(
  data: Uint8Array,
  shape: readonly number[],
  itemBytes: number,
  name: string,
  offset: number,
): Uint8Array {
  const expected = elementCount(shape) * itemBytes;
  if (expected === data.length) return data;
  const what = `shape (${shape.join(", ")}) of ${itemBytes}-byte elements needs ${expected} bytes, found ${data.length}.`;
  throw fail(name, offset, what, `${data.length} bytes`);
}

function fail(name: string, offset: number, what: string, found?: string) {
  return badSamples(`${name}, byte ${offset}`, what, {
    entry: name,
    offset,
    ...(found === undefined ? {} : { found }),
  });
}
