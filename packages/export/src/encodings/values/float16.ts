import { TensorProto_DataType as DataType, floatBytes, makeTensor } from "@espalier/onnx";
import { count } from "../elements.js";
import { float16Bits } from "./float16-bits.js";
import type { ValueFormat } from "./value-format.js";

/** The largest float16; what rounds to more would become infinite. */
const LARGEST = 65504;

/** Floats of 4 and 8 bytes. */
const WIDE: ReadonlySet<number> = new Set([DataType.FLOAT, DataType.DOUBLE]);

/** The elements rounded to float16, nearest with ties to even; those below 2⁻²⁵ become zero. A Cast makes them wide again. */
export const float16: ValueFormat = {
  name: "float16",
  exact: false,
  store({ weight }) {
    const { shape, axes } = weight;
    const { dataType } = weight.tensor;
    if (!WIDE.has(dataType))
      return { refused: `its elements are ${weight.dtype}, which float16 does not make smaller` };
    if (weight.read().some((value) => Math.abs(value) > LARGEST)) {
      return { refused: `it has values beyond ±${LARGEST}, the largest float16` };
    }
    const half = makeTensor("", [0], { dataType: DataType.FLOAT16, bytes: new Uint8Array(0) });
    const read = () => {
      const values = weight.read();
      return values instanceof Float32Array ? new Uint8Array(float16Bits(values).buffer) : floatBytes(half, values);
    };
    const wideBytes = count(shape) * (dataType === DataType.FLOAT ? 4 : 8);
    return {
      tensor: { dataType: DataType.FLOAT16, elementSize: 2, shape, axes, read },
      conversion: {
        bytes: 0,
        largestValue: wideBytes,
        opset: 9,
        emit: (writer, decoded, output) => void writer.cast("wide", decoded, dataType, output),
      },
    };
  },
};
