import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { DecoderWriter } from "./decoder-writer.js";
import { count, elementsAt, nonZeroIndices } from "./elements.js";
import type { Encoding } from "./encoding.js";

/**
 * One bit for every element, in row-major order, the first in the lowest bit of a byte, and the elements whose bit is set. The
 * decoder lists the positions of the set bits and scatters the values there into zeros.
 *
 * How many bits are set follows from the data only, so the list's length is declared in the graph: without that ONNX
 * Runtime would decode the weight in every run. The other way, an index into the values for every element, takes five
 * values of the weight's size instead of two.
 */
export const bitmask: Encoding = {
  name: "bitmask",
  opset: 11,
  irVersion: 4,
  notInFunctions: "how many bits are set cannot be declared there, and ONNX Runtime would decode it in every run",
  plan({ dataType, elementSize, shape, read }) {
    const total = count(shape);
    const groups = Math.ceil(total / 8);
    // At least one, so that nothing is empty.
    const storedOf = (bytes: Uint8Array<ArrayBuffer>): Uint32Array => {
      const indices = nonZeroIndices(bytes, elementSize);
      return indices.length > 0 ? indices : Uint32Array.of(0);
    };
    const { length } = storedOf(read());
    const bits = () => setBits(storedOf(read()), groups);
    const values = () => {
      const bytes = read();
      return elementsAt(bytes, elementSize, storedOf(bytes));
    };
    return {
      form: "bitmask",
      bytes: groups + length * elementSize,
      largestValue: Math.max(total * elementSize, groups * 8, length * 8),
      emit(writer, dims, output) {
        const mask = writer.tensor("bits", { dataType: DataType.UINT8, dims: [groups], data: bits });
        const packed = writer.tensor("values", { dataType, dims: [1, length], data: values });
        const inputs = [writer.zeros(dataType, [1, total]), positions(writer, mask, groups * 8, length), packed];
        const scattered = writer.op("scattered", "ScatterElements", inputs, { axis: 1n });
        return writer.reshape("weight", scattered, dims, output);
      },
    };
  },
};

/** Adds the nodes that list the positions of the set bits, `[1, set]`. */
function positions(writer: DecoderWriter, mask: string, bits: number, set: number): string {
  const table = writer.bytes("bitmask/bits", [256, 8], bitTable);
  const rows = writer.op("rows", "Gather", [table, writer.cast("byte", mask, DataType.INT32)]);
  const found = writer.op("positions", "NonZero", [writer.reshape("flags", rows, [bits])]);
  writer.declare(found, DataType.INT64, [1, set]);
  return found;
}

function setBits(indices: Uint32Array, groups: number): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array(groups);
  for (const index of indices) bits[index >>> 3]! |= 1 << (index & 7);
  return bits;
}

/** `[256, 8]`: the bits of a byte, the lowest first. */
function bitTable(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 256 * 8 }, (_, index) => ((index >>> 3) >>> (index & 7)) & 1);
}
