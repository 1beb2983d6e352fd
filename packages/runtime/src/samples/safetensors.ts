import { makeTensor } from "../dtype-arrays.js";
import { elementCount, type Tensor } from "../tensor.js";
import { badSamples } from "./bad-samples.js";
import { decodeElements, dtypeSize, type FixedSizeDtype, firstBadBool } from "./little-endian.js";

/** The reference implementation's own limit: headers are small, 100 MB of JSON is an attack. */
const MAX_HEADER_BYTES = 100_000_000;

const DTYPES: Readonly<Record<string, FixedSizeDtype>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U64: "uint64",
  U32: "uint32",
  U16: "uint16",
  U8: "uint8",
  BOOL: "bool",
};

interface Declared {
  readonly name: string;
  readonly dtype: FixedSizeDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Decodes a `.safetensors` file.
 *
 * @param name of the file, for messages @default "safetensors"
 * @returns array name → array, in the order of the data
 * @throws {RunnerError} `bad-samples` with `entry` and `offset`: cut files, headers that are no JSON object, sizes that do
 *   not fit their shapes, arrays that overlap or leave holes, float8 and sub-byte types
 * @see https://github.com/huggingface/safetensors#format
 */
export function decodeSafetensors(bytes: Uint8Array, name = "safetensors"): ReadonlyMap<string, Tensor> {
  const { header, dataOffset } = readHeader(bytes, name);
  const data = bytes.subarray(dataOffset);
  const declared = Object.entries(header)
    .filter(([key]) => key !== "__metadata__")
    .map(([key, value]) => checkEntry(key, value, name))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCover(declared, data.length, dataOffset, name);
  return new Map(declared.map((entry) => [entry.name, toTensor(entry, data, dataOffset, name)]));
}

function readHeader(bytes: Uint8Array, file: string): { header: Record<string, unknown>; dataOffset: number } {
  if (bytes.length < 8) throw fail(file, 0, `${bytes.length} bytes; expected the length of the header in the first 8.`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES || 8 + Number(length) > bytes.length) {
    throw fail(
      file,
      0,
      `a header of ${length} bytes, but ${bytes.length - 8} follow; this is no safetensors file, or it is cut off.`,
    );
  }
  const dataOffset = 8 + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, dataOffset)));
  } catch (cause) {
    throw fail(file, 8, "the header is not JSON.", { cause });
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw fail(file, 8, "the header is not a JSON object.");
  }
  return { header: header as Record<string, unknown>, dataOffset };
}

function checkEntry(name: string, value: unknown, file: string): Declared {
  const refuse = (what: string) => fail(file, 8, what, { entry: name });
  if (typeof value !== "object" || value === null) throw refuse("its description is not an object.");
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  const type = typeof dtype === "string" && Object.hasOwn(DTYPES, dtype) ? DTYPES[dtype] : undefined;
  if (type === undefined) {
    throw refuse(`dtype ${JSON.stringify(dtype)}; expected one of ${Object.keys(DTYPES).join(", ")}.`);
  }
  if (!isSizes(shape)) throw refuse("its shape is not a list of integers of at least 0.");
  if (!isSizes(offsets) || offsets.length !== 2) throw refuse("its data_offsets are not two integers of at least 0.");
  const [begin, end] = offsets as [number, number];
  const expected = elementCount(shape) * dtypeSize(type);
  if (end - begin !== expected) {
    throw refuse(`${dtype} [${shape.join(", ")}] needs ${expected} bytes, data_offsets give ${end - begin}.`);
  }
  return { name, dtype: type, shape, begin, end };
}

/** The format's rule: the arrays fill the data without holes and without overlap. */
function checkCover(declared: readonly Declared[], length: number, dataOffset: number, file: string): void {
  let at = 0;
  for (const { name, begin, end } of declared) {
    if (begin !== at || end > length) {
      const what =
        begin !== at ? `it begins at byte ${begin} of the data, expected ${at}` : `it ends at byte ${end} of ${length}`;
      throw fail(file, dataOffset + Math.min(begin, length), `${what}: the file is damaged or cut off.`, {
        entry: name,
      });
    }
    at = end;
  }
  if (at !== length) throw fail(file, dataOffset + at, `${length - at} bytes belong to no array.`);
}

function toTensor(
  { name, dtype, shape, begin, end }: Declared,
  data: Uint8Array,
  dataOffset: number,
  file: string,
): Tensor {
  const bytes = data.subarray(begin, end);
  const badBool = dtype === "bool" ? firstBadBool(bytes) : -1;
  if (badBool >= 0) {
    throw fail(file, dataOffset + begin + badBool, `a bool of ${bytes[badBool]}; expected 0 or 1.`, { entry: name });
  }
  return makeTensor(dtype, shape, decodeElements(dtype, bytes));
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function fail(file: string, offset: number, what: string, context: { entry?: string; cause?: unknown } = {}) {
  const where = context.entry === undefined ? file : `${file}, array ${JSON.stringify(context.entry)}`;
  return badSamples(`${where}, byte ${offset}`, what, { ...context, offset });
}
