import { quoteAll } from "../check-feeds.js";
import { makeTensor, subData } from "../dtype-arrays.js";
import type { Sample, Tensor } from "../tensor.js";
import { badSamples } from "./bad-samples.js";

/** Samples that were checked against a model's inputs. Iterating gives them in order, each a feed of batch size 1. */
export interface SampleSet extends Iterable<Sample> {
  /** Number of samples, at least 1. */
  readonly count: number;
  /**
   * One sample as a feed: every input of the model, dims with a leading batch axis of 1. Its arrays may be views into the
   * decoded file.
   *
   * @throws {RangeError} when there is no such sample
   */
  at(index: number): Sample;
  /** Names of what the file holds beside the model's inputs, such as labels. */
  readonly extras: readonly string[];
  /**
   * An extra, one tensor per sample.
   *
   * @throws {RunnerError} `bad-samples` when there is none of that name, when its first axis does not run over the samples,
   *   or when it is no array of one type
   */
  extra(name: string): readonly Tensor[];
}

/**
 * A {@link SampleSet} from its parts.
 *
 * @param name of the file, for messages
 * @param parts `at` and `extra` are only called with what exists
 */
export function makeSampleSet(name: string, parts: Omit<SampleSet, typeof Symbol.iterator>): SampleSet {
  const at = (index: number) => {
    if (Number.isSafeInteger(index) && index >= 0 && index < parts.count) return parts.at(index);
    throw new RangeError(`sample ${index}: there are ${parts.count}, counted from 0`);
  };
  const extra = (key: string) => {
    if (parts.extras.includes(key)) return parts.extra(key);
    const what = `no ${JSON.stringify(key)} beside the model's inputs; expected one of ${quoteAll(parts.extras)}.`;
    throw badSamples(name, what, { entry: key });
  };
  return {
    ...parts,
    at,
    extra,
    *[Symbol.iterator]() {
      for (let index = 0; index < parts.count; index++) yield at(index);
    },
  };
}

/** Row `index` of a tensor along its first axis, as a tensor with a first axis of 1. Numbers are a view. */
export function rowOf(tensor: Tensor, index: number): Tensor {
  const [rows = 1, ...rest] = tensor.dims;
  const length = tensor.data.length / rows;
  return makeTensor(tensor.dtype, [1, ...rest], subData(tensor.data, index * length, (index + 1) * length));
}
