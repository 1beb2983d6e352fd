import type { DtypeName } from "../dtype.js";
import type { NodeProto, TensorProto } from "../proto.js";
import type { WeightAxis } from "./matrix-layout.js";

/** A node that reads a weight, directly or through nodes that only move or convert it. */
export interface Consumer {
  /** The node's name; its first output where it has none. */
  readonly node: string;
  /** Operator type, with its domain where that is not ONNX's own: `MatMul`, `com.microsoft.FusedMatMul`. */
  readonly op: string;
  /** Which input of the node the weight arrives at, from 0. */
  readonly input: number;
  /** Where the node stands: `main`, `main/if_node/then_branch`, `functions/DOMAIN:NAME`. */
  readonly scope: string;
  /** The node itself, part of the model. */
  readonly proto: NodeProto;
}

/** What every constant tensor of a model has. */
export interface WeightBase {
  /**
   * The initializer's name or the `Constant` node's output name, unique in the model: outside the main graph it starts with
   * the scope (`main/if_node/then_branch/W`), and a name that is there already gets `#2`, `#3`, … at its end.
   */
  readonly name: string;
  /** The tensor in the model; for a sparse tensor the one that holds its values. */
  readonly tensor: TensorProto;
  readonly dtype: DtypeName;
  readonly shape: readonly number[];
  /** Every node that reads it, in the order in which they are reached; the same node once per input. */
  readonly consumers: readonly Consumer[];
}

/**
 * A weight of a linear operator, seen as a matrix `[outChannels, inFeatures]` over its own buffer: structurally the
 * `WeightView` of `@espalier/core`, which says what the axes mean.
 */
export interface PrunableWeight extends WeightBase {
  readonly prunable: true;
  readonly outChannels: number;
  readonly inFeatures: number;
  /** Runs of `outChannels / groups` consecutive out channels that have inputs of their own. */
  readonly groups: number;
  /**
   * Factors of the buffer, outermost first, in canonical form: no axis of size 1 (except where the weight would have no
   * `out` or no `in` axis), and no two neighbours that could be one. With `axisConflict` those of the first consumer.
   */
  readonly axes: readonly WeightAxis[];
  /** Present when consumers disagree about the axes: who reads it how. */
  readonly axisConflict?: string;
  /**
   * The entries in buffer order: float32, float16 and bfloat16 exactly, as f32; float64 as f64; int8 and uint8 dequantised,
   * `(stored − zero point) · scale`, rounded to f32. Read from the file on every call.
   *
   * @param into memory that the array is laid over, from its start, where it is large enough; otherwise the array is fresh
   * @throws {OnnxError} what `tensorBytes` throws
   */
  read(into?: ArrayBuffer): Float32Array | Float64Array;
  /**
   * The stored integer that means zero at this buffer index, for int8 and uint8 weights with zero points.
   * Absent where all-zero bytes mean zero.
   */
  readonly zeroAt?: (index: number) => number;
}

/** A constant tensor that cannot be pruned. */
export interface UnprunableWeight extends WeightBase {
  readonly prunable: false;
  /** Why not, as one sentence that completes "it is not prunable:". */
  readonly reason: string;
}

/** A constant tensor of a model. */
export type Weight = PrunableWeight | UnprunableWeight;
