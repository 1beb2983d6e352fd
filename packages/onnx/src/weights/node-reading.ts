import type { DtypeName } from "../dtype.js";
import type { NodeProto, TensorProto } from "../proto.js";
import type { BufferOrder } from "./buffer-order.js";
import type { Attributes } from "./call-frame.js";
import type { Dequantization } from "./dequantization.js";

/** Most dimensions a tensor may have; real models have at most 8, and work on a tensor grows with them. */
export const MAX_RANK = 64;

/** A node that a constant arrives at, as operators and passages see it. */
export interface NodeReading {
  readonly node: NodeProto;
  /** Which input the constant arrives at. */
  readonly input: number;
  readonly attributes: Attributes;
  /** Whether the node has this input: it is listed and not left out. */
  has(input: number): boolean;
  /** The integers of another input, at most {@link MAX_RANK}; undefined when they are computed, missing or no integers. */
  integers(input: number): readonly number[] | undefined;
  /** The constant tensor at another input; undefined when it is computed or missing. */
  tensor(input: number): TensorProto | undefined;
}

/** A constant on its way to its consumer. */
export interface TracedValue {
  /** Element type in the file. */
  readonly dtype: DtypeName;
  /** Where its entries lie in the constant's buffer. */
  readonly order: BufferOrder;
  /** Whether the values are quantised integers here, which mean something only behind DequantizeLinear. */
  readonly quantized: boolean;
  /** How stored integers became numbers, for constants that are stored as integers. */
  readonly dequantization: Dequantization | undefined;
}
