import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { DecoderWriter } from "./decoder-writer.js";
import { count, elementsAt, nonZeroIndices } from "./elements.js";
import type { Encoding, StoredTensor } from "./encoding.js";
import { type GapBits, gapEntries, packedGaps } from "./gap-entries.js";

/**
 * The elements that are not zero, and for each how far it lies behind the one before it, in 8 or 4 bits. Distances that are
 * too long for that pass over elements in between, which are stored as zeros. The decoder adds the distances up and
 * scatters the values into zeros:
 *
 *     position[i] = Σ distance[0 … i];  element[position[i]] = value[i]
 *
 * Of the two widths the one that takes fewer bytes is used. Everything but the result is as large as the non-zeros, so
 * that it loads with less memory than `bitmask`.
 */
export const gap: Encoding = {
  name: "gap",
  opset: 11,
  irVersion: 4,
  plan(tensor) {
    const indices = nonZeroIndices(tensor.read(), tensor.elementSize);
    const total = count(tensor.shape);
    const forms = ([4, 8] as const).flatMap((bits) => {
      const entries = gapEntries(indices, total, bits);
      if (entries === undefined) return [];
      return [
        { bits, length: entries.length, bytes: (entries.length * bits) / 8 + entries.length * tensor.elementSize },
      ];
    });
    const best = forms.reduce((a, b) => (b.bytes < a.bytes ? b : a));
    return {
      form: `gap${best.bits}`,
      bytes: best.bytes,
      largestValue: Math.max(total * tensor.elementSize, best.length * 4),
      emit: (writer, dims, output) => emit(writer, tensor, total, best, dims, output),
    };
  },
};

function emit(
  writer: DecoderWriter,
  tensor: StoredTensor,
  total: number,
  { bits, length }: { bits: GapBits; length: number },
  dims: readonly number[],
  output: string | undefined,
): string {
  const { dataType, elementSize: size, read } = tensor;
  const entriesOf = (bytes: Uint8Array<ArrayBuffer>) => gapEntries(nonZeroIndices(bytes, size), total, bits)!;
  const values = () => {
    const bytes = read();
    // An entry that passes over zeros is the position of a zero, so its value is read like all others.
    return elementsAt(bytes, size, entriesOf(bytes));
  };
  const gaps = writer.tensor("gaps", {
    dataType: DataType.UINT8,
    dims: [(length * bits) / 8],
    data: () => packedGaps(entriesOf(read()), bits),
  });
  const packed = writer.tensor("values", { dataType, dims: [length], data: values });
  const axis = writer.table("scalars/0", [], () => Int32Array.of(0));
  const positions = writer.op("positions", "CumSum", [distances(writer, gaps, bits, length), axis]);
  const scattered = writer.op("scattered", "ScatterElements", [writer.zeros(dataType, [total]), positions, packed]);
  return writer.reshape("weight", scattered, dims, output);
}

/** Adds the nodes that read the distances, int32 `[length]`. Halves of bytes stay bytes as long as they can: that takes less memory. */
function distances(writer: DecoderWriter, gaps: string, bits: GapBits, length: number): string {
  const bytes = writer.cast("bytes", gaps, DataType.INT32);
  if (bits === 8) return bytes;
  const pairs = writer.op("pairs", "Gather", [writer.bytes("gap/pairs", [256, 2], pairTable), bytes]);
  return writer.cast("distances", writer.reshape("halves", pairs, [length]), DataType.INT32);
}

/** `[256, 2]`: the lower 4 bits of a byte, then the upper. */
function pairTable(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 512 }, (_, index) => ((index >>> 1) >>> ((index & 1) * 4)) & 15);
}
