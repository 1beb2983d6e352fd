import { TensorProto_DataType as DataType, elementSize, tensorBytes } from "@espalier/onnx";
import type { ElementSize } from "../encoding.js";
import type { ValueFormat } from "./value-format.js";

/** Types whose elements all operators of the decoders take in ONNX Runtime. */
const TYPES: ReadonlySet<number> = new Set([
  DataType.FLOAT,
  DataType.DOUBLE,
  DataType.FLOAT16,
  DataType.INT8,
  DataType.UINT8,
]);

/** The elements as they are, bit for bit: −0 and the payloads of NaN too. */
export const exact: ValueFormat = {
  name: "exact",
  exact: true,
  store({ model, weight }) {
    const { dataType } = weight.tensor;
    if (!TYPES.has(dataType)) return { refused: `ONNX Runtime has no operators that expand ${weight.dtype}` };
    const size = elementSize(dataType) as ElementSize;
    const { shape, axes, tensor } = weight;
    return { tensor: { dataType, elementSize: size, shape, axes, read: () => tensorBytes(model, tensor) } };
  },
};
