import { elementsAt, nonZeroIndices } from "./elements.js";
import type { Encoding } from "./encoding.js";

/** Bytes of an int64 index. */
const INDEX_BYTES = 8;

/**
 * A `sparse_initializer`: values and int64 row-major indices, ascending, as the ONNX checker wants them. Runtimes expand it
 * when they load the model, at every optimization level, for little time and memory. Smaller than dense only above 2/3 of
 * zeros (float32). The WebGPU build of onnxruntime-web refuses it.
 *
 * @see onnx.proto, SparseTensorProto
 */
export const coo: Encoding = {
  name: "coo",
  opset: 0,
  irVersion: 6,
  // onnxruntime-node 1.30 crashes on a sparse Constant in a function, and refuses sparse initializers of its subgraphs.
  notInFunctions: "ONNX Runtime does not load sparse tensors there",
  plan({ dataType, elementSize, read }) {
    const stored = (bytes: Uint8Array<ArrayBuffer>) => nonZeroIndices(bytes, elementSize);
    const { length } = stored(read());
    const data = () => {
      const bytes = read();
      return elementsAt(bytes, elementSize, stored(bytes));
    };
    const indices = () => new Uint8Array(BigInt64Array.from(stored(read()), BigInt).buffer);
    return {
      form: "coo",
      bytes: length * (elementSize + INDEX_BYTES),
      largestValue: 0,
      emit: (writer, dims, output) =>
        writer.tensor("values", { dataType, dims, data, sparse: { count: length, indices } }, output),
    };
  },
};
