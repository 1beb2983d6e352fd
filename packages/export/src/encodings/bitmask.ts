import { TensorProto_DataType as DataType } from "@espalier/onnx";
import { bitCount } from "./bit-count.js";
import type { DecoderWriter } from "./decoder-writer.js";
import { count, elementsAt, nonZeroIndices } from "./elements.js";
import type { Encoding } from "./encoding.js";

/** Rank of a bit that is not set: far below every offset, so that the maximum with 0 takes it. */
const CLEAR = -(2 ** 30);

/** `Max` of int32 came with opset 12; before, another table of bits is multiplied with. */
const MAX_OF_INTEGERS = 12;

/**
 * One bit for every element, in row-major order, the first in the lowest bit of a byte, and the elements whose bit is set,
 * behind a zero that all others read. Only bytes are counted up, an eighth of the elements:
 *
 *     offset[b] = Σ popcount(byte[0 … b−1]);  index[b, i] = max(0, offset[b] + rank[byte[b], i]);  element = values[index]
 *
 * where `rank` is 1 + the number of set bits below bit i, or −2³⁰ where bit i is clear.
 */
export const bitmask: Encoding = {
  name: "bitmask",
  opset: 11,
  irVersion: 4,
  plan({ dataType, elementSize, shape, read }) {
    const total = count(shape);
    const groups = Math.ceil(total / 8);
    const stored = nonZeroIndices(read(), elementSize).length;
    const bits = () => setBits(nonZeroIndices(read(), elementSize), groups);
    const values = () => {
      const bytes = read();
      return elementsAt(bytes, elementSize, nonZeroIndices(bytes, elementSize), 1);
    };
    return {
      form: "bitmask",
      bytes: groups + (stored + 1) * elementSize,
      largestValue: groups * 8 * Math.max(elementSize, 4),
      emit(writer, dims, output) {
        const mask = writer.tensor("bits", { dataType: DataType.UINT8, dims: [groups], data: bits });
        const packed = writer.tensor("values", { dataType, dims: [stored + 1], data: values });
        const expanded = writer.op("expanded", "Gather", [packed, valueIndices(writer, mask)]);
        return writer.reshape("weight", cut(writer, expanded, groups * 8, total), dims, output);
      },
    };
  },
};

/** Adds the nodes that compute the index of every element's value, `[bytes, 8]`. */
function valueIndices(writer: DecoderWriter, mask: string): string {
  const byte = writer.cast("byte", mask, DataType.INT32);
  const bitCounts = writer.table("bitmask/counts", [256, 1], () => bitCountTable());
  const counts = writer.op("counts", "Gather", [bitCounts, byte]);
  const axis = writer.table("scalars/0", [], () => Int32Array.of(0));
  const offsets = writer.op("offsets", "CumSum", [counts, axis], { exclusive: 1n });
  const rankTable = writer.table("bitmask/ranks", [256, 8], () => rankTableOf(CLEAR));
  const ranks = writer.op("ranks", "Gather", [rankTable, byte]);
  const sums = writer.op("sums", "Add", [ranks, offsets]);
  if (writer.opset >= MAX_OF_INTEGERS) return writer.op("indices", "Max", [sums, axis]);
  const bitTable = writer.table("bitmask/bits", [256, 8], () => rankTableOf(0).map((rank) => Number(rank > 0)));
  return writer.op("indices", "Mul", [sums, writer.op("set", "Gather", [bitTable, byte])]);
}

/** Takes away the bits behind the last element, where there are any. */
function cut(writer: DecoderWriter, expanded: string, present: number, wanted: number): string {
  if (present === wanted) return expanded;
  const flat = writer.reshape("flat", expanded, [present]);
  return writer.op("cut", "Slice", [flat, writer.integers([0]), writer.integers([wanted])]);
}

function setBits(indices: Uint32Array, groups: number): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array(groups);
  for (const index of indices) bits[index >>> 3]! |= 1 << (index & 7);
  return bits;
}

function bitCountTable(): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: 256 }, (_, byte) => bitCount(byte));
}

/** `[256, 8]`: 1 + the number of set bits below bit i, `clear` where it is not set. */
function rankTableOf(clear: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: 256 * 8 }, (_, index) => {
    const [byte, bit] = [index >>> 3, index & 7];
    return (byte >>> bit) & 1 ? 1 + bitCount(byte & ((1 << bit) - 1)) : clear;
  });
}
