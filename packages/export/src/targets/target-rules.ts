import type { WeightChoice } from "../encodings/weight-encoder.js";

/** What an exported model is made for: onnxruntime-node, onnxruntime-web, TensorRT. */
export type ExportTarget = "ort-node" | "ort-web" | "tensorrt";

/** Whether `auto` may store weights in an encoding, and the measured fact behind it. */
export interface EncodingRule {
  readonly encoding: "bitmask" | "gap" | "nm" | "coo";
  readonly automatic: boolean;
  readonly reason: string;
}

/** What suits a target. */
export interface TargetRules {
  /** In the order of preference where two encodings take the same bytes. Empty: weights stay dense. */
  readonly encodings: readonly EncodingRule[];
  /** How int8 becomes float. */
  readonly dequantize: NonNullable<WeightChoice["dequantize"]>;
  /** Whether weights in balanced blocks are lowered to smaller products. */
  readonly lowersBlocks: boolean;
  /** Why the target is treated so. */
  readonly reason: string;
}

/** Smallest part of a weight's bytes that has to be saved: decoders cost time and memory when a model is loaded. */
export const LEAST_SAVING = 0.05;

/** Smallest part of zeros with which a weight counts as pruned; below about 8 % a bitmask saves less than {@link LEAST_SAVING}. */
export const LEAST_ZEROS = 0.1;

const NODE: readonly EncodingRule[] = [
  { encoding: "gap", automatic: true, reason: "folded while loading: 12 weights in 3.4 times their size, dense 1.5" },
  { encoding: "nm", automatic: true, reason: "folded while loading: 12 weights in 4.1 times their size, dense 1.5" },
  {
    encoding: "bitmask",
    automatic: true,
    reason: "folded while loading: 12 weights in 3.8 times their size, dense 1.5",
  },
  { encoding: "coo", automatic: false, reason: "12 bytes a non-zero (f32), gap8 takes 5: never the smallest" },
];

const WEB: readonly EncodingRule[] = [
  { encoding: "gap", automatic: true, reason: "folded while loading: 12 weights in 5.6 times their size, dense 3.7" },
  { encoding: "nm", automatic: true, reason: "folded while loading: 12 weights in 6.7 times their size, dense 3.7" },
  {
    encoding: "bitmask",
    automatic: true,
    reason: "folded while loading: 12 weights in 6.0 times their size, dense 3.7",
  },
  { encoding: "coo", automatic: false, reason: "the onnxruntime-web/webgpu build refuses sparse_initializer" },
];

/** The rules of `auto`, one row for each target. Figures are of ONNX Runtime 1.30, see docs/export-formats.md. */
export const TARGET_RULES: Readonly<Record<ExportTarget, TargetRules>> = Object.freeze({
  "ort-node": {
    encodings: NODE,
    dequantize: "multiply",
    lowersBlocks: true,
    reason:
      "decoders are folded at every level but disabled; a DequantizeLinear is up to 50 times slower in some graphs",
  },
  "ort-web": {
    encodings: WEB,
    dequantize: "multiply",
    lowersBlocks: true,
    reason: "decoders are folded at every level but disabled; a DequantizeLinear runs 10 times as long as dense",
  },
  tensorrt: {
    encodings: [],
    dequantize: "multiply",
    lowersBlocks: false,
    reason: "TensorRT finds 2:4 in dense weights with zeros; it has no use for decoders",
  },
});
