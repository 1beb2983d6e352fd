export { hasChromium, launchChromium } from "./chromium.js";
export { type LinearProbe, trainProbe } from "./linear-probe.js";
export {
  buildModel,
  type FunctionParts,
  functionBody,
  type GraphParts,
  graph,
  type ModelParts,
  valueInfo,
} from "./model-builder.js";
export { type AttributeValue, node } from "./node-builder.js";
export { characterAccuracy, editDistance } from "./ocr/character-accuracy.js";
export { type LineOptions, type LineSplits, ocrLines } from "./ocr/ocr-lines.js";
export { ocrCharacters, readCharacters } from "./ocr/read-characters.js";
export { type LineTensor, type RenderOptions, renderLine } from "./ocr/render-line.js";
export { type OcrModel, ocrModelPath } from "./ocr-models.js";
export { type Proportion, proportion } from "./proportion.js";
export { type Random, random } from "./random.js";
export { type Mail, type MailOptions, type MailSplits, spamMails } from "./spam.js";
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
