import { quoteAll } from "../check-feeds.js";
import type { Tensor, ValueInfo } from "../tensor.js";
import { shapeMisfit } from "../tensor-misfit.js";
import { badSamples } from "./bad-samples.js";
import { makeSampleSet, rowOf, type SampleSet } from "./sample-set.js";

/**
 * Matches decoded arrays with a model's inputs: one array per input, its first axis running over the samples. Everything
 * is checked here, before anything runs; arrays that are no inputs become extras.
 *
 * @param decoded what `decodeNpz` or `decodeSafetensors` gave; or one tensor (`decodeNpy`) for a model with one input
 * @param inputs `runner.inputs`; the first axis of each is the batch axis, its size is not checked here
 * @param name of the file, for messages @default "samples"
 * @throws {RunnerError} `bad-samples`: an input without an array, another dtype, rank or fixed size, arrays that differ in
 *   their number of samples, no samples at all, one array for a model with several inputs
 */
export function sampleFeeds(
  decoded: ReadonlyMap<string, Tensor> | Tensor,
  inputs: readonly ValueInfo[],
  name = "samples",
): SampleSet {
  const arrays = "dtype" in decoded ? nameSingle(decoded, inputs, name) : decoded;
  const feeds = inputs.map((info) => [info.name, checkArray(info, arrays.get(info.name), arrays, name)] as const);
  const count = checkCounts(feeds, name);
  const inputNames = new Set(inputs.map((info) => info.name));
  return makeSampleSet(name, {
    count,
    at: (index) => Object.fromEntries(feeds.map(([input, tensor]) => [input, rowOf(tensor, index)])),
    extras: [...arrays.keys()].filter((key) => !inputNames.has(key)),
    extra: (key) => extraRows(key, arrays.get(key)!, count, name),
  });
}

function nameSingle(tensor: Tensor, inputs: readonly ValueInfo[], name: string): ReadonlyMap<string, Tensor> {
  if (inputs.length === 1) return new Map([[inputs[0]!.name, tensor]]);
  const needed = `the model's inputs are ${quoteAll(inputs.map((info) => info.name))}`;
  throw badSamples(name, `a .npy file holds one array, but ${needed}. Save them by name in one .npz file.`);
}

function checkArray(info: ValueInfo, tensor: Tensor | undefined, arrays: ReadonlyMap<string, Tensor>, name: string) {
  const where = `${name}, array ${JSON.stringify(info.name)}`;
  if (tensor === undefined) {
    const found = `the file holds ${quoteAll(arrays.keys())}`;
    throw badSamples(where, `the model needs it as an input, ${found}.`, { input: info.name, found });
  }
  // The first size is the number of samples here, whatever the model says about its batch axis.
  const [, ...rest] = info.dims;
  const expected = { ...info, dims: info.dims.length === 0 ? [] : ["samples", ...rest] };
  const misfit = shapeMisfit(expected, tensor);
  if (misfit !== undefined) {
    const advice = tensor.dtype === info.dtype ? "" : ` Convert it, with numpy: .astype("${info.dtype}").`;
    throw badSamples(where, `expected ${misfit.expected}, found ${misfit.found}.${advice}`, {
      input: info.name,
      ...misfit,
    });
  }
  if (tensor.dims.length === 0)
    throw badSamples(where, "a single number; its first axis must run over the samples.", { input: info.name });
  return tensor;
}

function checkCounts(feeds: readonly (readonly [string, Tensor])[], name: string): number {
  const [first] = feeds;
  if (first === undefined) throw badSamples(name, "the model has no inputs, so there is nothing to feed.");
  const count = first[1].dims[0]!;
  const other = feeds.find(([, tensor]) => tensor.dims[0] !== count);
  if (other !== undefined) {
    const counts = `${JSON.stringify(first[0])} has ${count} samples, ${JSON.stringify(other[0])} has ${other[1].dims[0]}`;
    throw badSamples(name, `${counts}; expected the same number in every array.`, { input: other[0] });
  }
  // Rows without elements could claim any number of samples.
  if (count > 0 && feeds.some(([, tensor]) => tensor.data.length > 0)) return count;
  throw badSamples(name, "it holds no samples; expected at least one.");
}

function extraRows(key: string, tensor: Tensor, count: number, name: string): readonly Tensor[] {
  if (tensor.dims[0] === count) return Array.from({ length: count }, (_, index) => rowOf(tensor, index));
  const what = `dims [${tensor.dims.join(", ")}]; expected a first axis of ${count}, one row per sample.`;
  throw badSamples(`${name}, array ${JSON.stringify(key)}`, what, { entry: key });
}
