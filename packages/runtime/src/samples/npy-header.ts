import { badSamples } from "./bad-samples.js";

/** What the header of a `.npy` file says. */
export interface NpyHeader {
  /** Byte order and type, such as `<f4`. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the elements begin, in bytes. */
  readonly dataOffset: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** numpy's own limit (`max_header_size`): longer headers are structured types, which are refused anyway. */
const MAX_HEADER_BYTES = 10_000;
/** numpy 2's own limit. */
const MAX_RANK = 64;

/**
 * Reads the header of a `.npy` file, format versions 1 to 3.
 *
 * @param where the file, for messages
 * @throws {RunnerError} `bad-samples` with the offset
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function readNpyHeader(bytes: Uint8Array, where: string): NpyHeader {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw fail(
      where,
      0,
      `it does not begin with "\\x93NUMPY" (${bytes.length} bytes); expected a file written by numpy.save.`,
    );
  }
  const version = bytes[6] ?? 0;
  if (version < 1 || version > 3) throw fail(where, 6, `format version ${version}; expected 1, 2 or 3.`);
  const lengthBytes = version === 1 ? 2 : 4;
  const begin = 8 + lengthBytes;
  if (bytes.length < begin) throw fail(where, bytes.length, "the file ends within its header.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES) {
    throw fail(where, 8, `a header of ${length} bytes; expected at most ${MAX_HEADER_BYTES}.`);
  }
  if (begin + length > bytes.length) {
    throw fail(where, 8, `a header of ${length} bytes, but only ${bytes.length - begin} are left.`);
  }
  const text = new TextDecoder("utf-8").decode(bytes.subarray(begin, begin + length));
  return { ...parseHeader(text, where, begin), dataOffset: begin + length };
}

/** The header is a Python literal: a dict of exactly these three keys, in any order. */
function parseHeader(text: string, where: string, offset: number): Omit<NpyHeader, "dataOffset"> {
  if (/['"]descr['"]\s*:\s*[[(]/.test(text)) {
    throw fail(where, offset, "it holds records (a structured dtype); save one array of numbers per input.");
  }
  const descr = /['"]descr['"]\s*:\s*(['"])([^'"]*)\1/.exec(text)?.[2];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)\b/.exec(text)?.[1];
  const shape = /['"]shape['"]\s*:\s*\(([^()]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || shape === undefined) {
    throw fail(where, offset, "the header does not name 'descr', 'fortran_order' and 'shape'.");
  }
  return { descr, fortranOrder: order === "True", shape: parseShape(shape, where, offset) };
}

function parseShape(text: string, where: string, offset: number): readonly number[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.at(-1) === "") parts.pop();
  const shape = parts.map(Number);
  const plain = parts.every((part) => /^\d+$/.test(part)) && shape.every(Number.isSafeInteger);
  if (!plain || shape.length > MAX_RANK) {
    throw fail(
      where,
      offset,
      `shape (${text.slice(0, 80)}); expected at most ${MAX_RANK} sizes, each an integer of at least 0.`,
    );
  }
  return shape;
}

function fail(where: string, offset: number, what: string) {
  return badSamples(`${where}, byte ${offset}`, what, { entry: where, offset });
}
