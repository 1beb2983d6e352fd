export { type CollectedInThread, collectInThisThread } from "./collect/collect-in-this-thread.js";
export type { CollectOptions, InThreadOptions, MeasureOptions, ShardSelection } from "./collect/collect-options.js";
export { collectStatistics } from "./collect/collect-statistics.js";
export type { CollectedStatistics } from "./collect/collected-statistics.js";
export type { CollectionProgress, Done } from "./collect/collection-progress.js";
export { digestSamples } from "./collect/digest-samples.js";
export { fingerprintModel } from "./collect/fingerprint-model.js";
export { modelInputs } from "./collect/model-inputs.js";
export type { Samples } from "./collect/shard.js";
export { type DecodedStatistics, decodeStatistics } from "./file/decode-statistics.js";
export { decodeStatisticsFile } from "./file/decode-statistics-file.js";
export { encodeStatistics } from "./file/encode-statistics.js";
export { mergeStatistics, type NamedFile } from "./file/merge-statistics.js";
export { readStatisticsFile } from "./file/read-statistics-file.js";
export {
  type CollectionOptions,
  type ModelFingerprint,
  missingShards,
  type SamplesSeen,
  type SkippedWeight,
  type StatisticsFile,
} from "./file/statistics-file.js";
export { writeStatisticsFile } from "./file/write-statistics-file.js";
export { type Gram, gramMatrix } from "./gram.js";
export {
  type InputLayout,
  type LaidOutInput,
  type LayOutOptions,
  layOutInputs,
  type UnsupportedWeight,
} from "./instrument/index.js";
export type { MeasuredWeight, Moment, MomentSums, Sum } from "./moment.js";
export {
  isStatisticsError,
  StatisticsError,
  type StatisticsErrorCode,
  type StatisticsErrorContext,
} from "./statistics-error.js";
export { type Summary, summarize } from "./summarize.js";
