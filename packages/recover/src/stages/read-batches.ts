import { batch, checkFeeds, isRunnerError, type Sample, type ValueInfo } from "@espalier/runtime";
import { RecoverError } from "../recover-error.js";

/** Samples that are run together. */
export interface Batch {
  /** Index of its first sample. */
  readonly first: number;
  /** Number of samples. */
  readonly count: number;
  readonly feeds: Sample;
}

/**
 * Puts consecutive samples together whose tensors have the same sizes behind the first axis; others start a new batch, as do
 * samples with a scalar. Nothing is reordered or padded.
 *
 * @param inputs of the model
 * @param size most samples in a batch
 * @throws {RecoverError} `bad-option` naming a sample that does not fit the inputs
 */
export async function* readBatches(
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  inputs: readonly ValueInfo[],
  size: number,
): AsyncGenerator<Batch, void, undefined> {
  // Only a whole batch can have a wrong number of rows.
  const open = inputs.map((info) => ({ ...info, dims: info.dims.map((dim, axis) => (axis === 0 ? null : dim)) }));
  let group: Sample[] = [];
  let first = 0;
  for await (const sample of samples) {
    requireFit(sample, open, first + group.length);
    if (group.length === size || (group.length > 0 && !joinable(group[0]!, sample))) {
      yield join(group, first);
      first += group.length;
      group = [];
    }
    group.push(sample);
  }
  if (group.length > 0) yield join(group, first);
}

function join(group: readonly Sample[], first: number): Batch {
  const [feeds] = batch(group, group.length);
  return { first, count: group.length, feeds: feeds! };
}

function joinable(a: Sample, b: Sample): boolean {
  const [typeOfA, typeOfB] = [rowType(a), rowType(b)];
  return typeOfA !== undefined && typeOfA === typeOfB;
}

/** Dtypes and sizes of one row of each tensor; undefined where there is a scalar. */
function rowType(sample: Sample): string | undefined {
  const tensors = Object.entries(sample).sort(([a], [b]) => (a < b ? -1 : 1));
  if (tensors.some(([, { dims }]) => dims.length === 0)) return undefined;
  return JSON.stringify(tensors.map(([name, { dtype, dims }]) => [name, dtype, dims.slice(1)]));
}

function requireFit(sample: Sample, inputs: readonly ValueInfo[], index: number): void {
  try {
    checkFeeds(sample, inputs);
  } catch (error) {
    if (!isRunnerError(error)) throw error;
    throw new RecoverError("bad-option", `sample ${index}: ${error.message}`, { sample: index, cause: error });
  }
}
