import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { DecoderWriter } from "../decoder-writer.js";
import { count } from "../elements.js";
import { quantized } from "./channel-scales.js";
import { type ScaleShape, scaleShape } from "./scale-shape.js";
import type { ValueFormat } from "./value-format.js";

/** Types that a scale can be applied to. */
const FLOATS: ReadonlySet<number> = new Set([DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16]);

/** DequantizeLinear has an axis from here on. */
const DEQUANTIZE_AXIS = 13;

/**
 * The elements as 8-bit integers with one float32 scale for each out channel: `element = float32(integer · scale)`, off by at
 * most half a scale, which is 1/254 of the channel's largest magnitude.
 */
export const int8: ValueFormat = {
  name: "int8",
  exact: false,
  store({ weight }, { dequantize }) {
    const { shape, axes, outChannels } = weight;
    const { dataType } = weight.tensor;
    if (!FLOATS.has(dataType)) return { refused: `its elements are ${weight.dtype}, not floats` };
    if (!weight.read().every(Number.isFinite)) return { refused: "it has values that are not finite" };
    const lined = scaleShape(shape, axes);
    const read = () => new Uint8Array(quantized(weight, weight.read()).integers.buffer);
    const scales = () => new Uint8Array(quantized(weight, weight.read()).scales.buffer);
    return {
      tensor: { dataType: DataType.INT8, elementSize: 1, shape: lined.tensor, axes, read },
      conversion: {
        bytes: outChannels * 4,
        largestValue: count(shape) * (dataType === DataType.DOUBLE ? 8 : 4),
        opset: 7,
        emit(writer, decoded, output) {
          const isLinear = dequantize === "linear" && writer.opset >= DEQUANTIZE_AXIS && dataType === DataType.FLOAT;
          if (isLinear && lined.axis !== undefined && lined.tensor === shape) {
            const scale = writer.tensor("scales", { dataType: DataType.FLOAT, dims: [outChannels], data: scales });
            writer.op("weight", "DequantizeLinear", [decoded, scale], { axis: BigInt(lined.axis) }, output);
          } else {
            const scale = writer.tensor("scales", { dataType: DataType.FLOAT, dims: lined.scales, data: scales });
            multiply(writer, { decoded, scale, lined, shape, dataType }, output);
          }
        },
      },
    };
  },
};

interface Product {
  readonly decoded: string;
  readonly scale: string;
  readonly lined: ScaleShape;
  readonly shape: readonly number[];
  readonly dataType: number;
}

/** The product is formed in float32 whatever the weight's type, so that it is rounded the same way everywhere. */
function multiply(writer: DecoderWriter, { decoded, scale, lined, shape, dataType }: Product, output: string): void {
  const isFloat = dataType === DataType.FLOAT;
  const hasShape = lined.tensor === shape;
  const integers = writer.cast("integers", decoded, DataType.FLOAT);
  const last = isFloat && hasShape ? output : undefined;
  const scaled = writer.op("scaled", "Mul", [integers, scale], {}, last);
  if (last !== undefined) return;
  const shaped = hasShape ? scaled : writer.reshape("shaped", scaled, shape, isFloat ? output : undefined);
  if (!isFloat) writer.cast("converted", shaped, dataType, output);
}
