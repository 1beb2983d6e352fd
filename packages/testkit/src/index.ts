export { type LinearProbe, trainProbe } from "./linear-probe.js";
export { buildModel, type GraphParts, graph, type ModelParts, valueInfo } from "./model-builder.js";
export { type AttributeValue, node } from "./node-builder.js";
export { type OcrModel, ocrModelPath } from "./ocr-models.js";
export { type Proportion, proportion } from "./proportion.js";
export { type Random, random } from "./random.js";
export {
  buildSyntheticTransformer,
  type SyntheticTransformer,
  writeSyntheticTransformer,
} from "./synthetic-transformer.js";
export {
  type ExternalLocation,
  externalTensor,
  type TensorBits,
  type TensorElements,
  tensor,
} from "./tensor-builder.js";
export { buildUseLite } from "./use-lite/build-use-lite.js";
export { embedTexts } from "./use-lite/embed-texts.js";
export { type TokenBatch, type TokenTensor, tokenBatch } from "./use-lite/token-batch.js";
export { tokenize } from "./use-lite/tokenize.js";
export { useLitePath } from "./use-lite/use-lite-path.js";
export { type Gloss, type GlossOptions, type GlossSplits, SUPERSENSES, wordnetGlosses } from "./wordnet.js";
