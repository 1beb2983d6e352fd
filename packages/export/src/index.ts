export { type AllocationRun, applyMasks, applyMasksInSteps, type PruningRun, type Recovery } from "./apply-masks.js";
export { type EncodedSize, encodedSize, encodeWeights } from "./encode-weights.js";
export type { Refusal } from "./encodings/encoding.js";
export type { WeightChoice } from "./encodings/weight-encoder.js";
export { ExportError, type ExportErrorCode, type ExportErrorContext, isExportError } from "./export-error.js";
export { chooseForm } from "./lowering/choose-form.js";
export type {
  BlockLayer,
  BlockSize,
  Choice,
  Form,
  LoweredForm,
  LoweredValues,
  LoweringTarget,
} from "./lowering/layer.js";
export { blockLayers, type LoweredModel, type LoweredWeight, lowerBlocks } from "./lowering/lower-blocks.js";
export type { LowerOptions } from "./lowering/options.js";
export type { NewValues } from "./new-values.js";
export {
  type ChannelRemoval,
  type RemovalOptions,
  type RemovedChannels,
  removeZeroChannels,
} from "./removal/remove-zero-channels.js";
export { type ChosenEncoding, chooseEncoding } from "./targets/choose-encoding.js";
export {
  type EncodingRule,
  type ExportTarget,
  LEAST_SAVING,
  LEAST_ZEROS,
  TARGET_RULES,
  type TargetRules,
} from "./targets/target-rules.js";
export { type TensorRtEligibility, type TensorRtSize, tensorRtEligibility, tensorRtSize } from "./targets/tensorrt.js";
