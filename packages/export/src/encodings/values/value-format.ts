import type { Model, PrunableWeight } from "@espalier/onnx";
import type { DecoderWriter } from "../decoder-writer.js";
import type { Refusal, StoredTensor } from "../encoding.js";

/** A weight of a model. */
interface WeightOfModel {
  readonly model: Model;
  readonly weight: PrunableWeight;
}

/** How a weight becomes the elements that an encoding stores. */
export interface StoredValues {
  readonly tensor: StoredTensor;
  /** Nodes between the stored tensor and the weight; absent where they are the same. */
  readonly conversion?: Conversion;
}

/** What turns the decoded elements into the weight. */
interface Conversion {
  /** Bytes of tensor data that it adds. */
  readonly bytes: number;
  /** Bytes of the largest value that it computes. */
  readonly largestValue: number;
  /** Oldest version of ONNX's operators that its nodes need. */
  readonly opset: number;
  /** Adds its nodes, from the decoded elements to the value `output`. */
  emit(writer: DecoderWriter, decoded: string, output: string): void;
}

/** Options of a value format that a target decides. */
export interface ValueOptions {
  /**
   * How `int8` becomes a float. `multiply` (Cast, Mul) is folded when the model is loaded: runs as fast as dense everywhere,
   * and gives the same bits everywhere. `linear` (DequantizeLinear) is left to the runtime: onnxruntime-node then
   * multiplies 8-bit integers, faster than dense but not bit for bit what the weights say; onnxruntime-web takes ten times
   * as long as dense.
   *
   * @default "multiply"
   */
  readonly dequantize?: "multiply" | "linear";
}

/** A way to store the numbers themselves. */
export interface ValueFormat {
  readonly name: string;
  /** Whether a decoded weight has the bits of the weight. */
  readonly exact: boolean;
  store(weight: WeightOfModel, options: Required<ValueOptions>): StoredValues | Refusal;
}
