export { checkFeeds } from "./check-feeds.js";
export { type Loading, type LoadingOptions, measureLoading } from "./loading/measure-loading.js";
export { type Spread, spreadOf } from "./loading/spread.js";
export { openRunner } from "./open-runner.js";
export { type RandomFeedsOptions, randomFeeds } from "./random-feeds.js";
export type { Backend, Optimization, Runner, RunnerOptions } from "./runner.js";
export { isRunnerError, RunnerError, type RunnerErrorCode, type RunnerErrorContext } from "./runner-error.js";
export { batch } from "./samples/batch.js";
export { decodeSamples, SAMPLE_EXTENSIONS } from "./samples/decode-samples.js";
export { joinSampleSets } from "./samples/join-sample-sets.js";
export { decodeJsonl } from "./samples/jsonl.js";
export { decodeNpy } from "./samples/npy.js";
export { decodeNpz, type NpzOptions } from "./samples/npz.js";
export { decodeSafetensors } from "./samples/safetensors.js";
export { sampleFeeds } from "./samples/sample-feeds.js";
export type { SampleSet } from "./samples/sample-set.js";
export {
  type Dtype,
  describeType,
  elementCount,
  type Sample,
  type Tensor,
  type TensorData,
  type TensorOf,
  type ValueInfo,
} from "./tensor.js";
