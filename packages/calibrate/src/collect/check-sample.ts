import { checkFeeds, isRunnerError, type Sample, type Tensor, type ValueInfo } from "@espalier/runtime";
import { StatisticsError } from "../statistics-error.js";

/**
 * Checks one sample against the model's inputs: names, dtypes, ranks, fixed sizes. The first size is the number of rows,
 * which only a whole batch can get wrong. A tensor without a dtype gets that of its input.
 *
 * @param index of the sample, for messages
 * @throws {StatisticsError} `bad-sample`
 */
export function checkSample(sample: unknown, inputs: readonly ValueInfo[], index: number): Sample {
  if (typeof sample !== "object" || sample === null)
    throw badSample(index, "it is no object of tensors, one per input.");
  const typed = Object.fromEntries(
    Object.entries(sample).map(([name, value]) => [name, withDtype(name, value, inputs)]),
  );
  try {
    checkFeeds(typed, inputs.map(withOpenRows));
  } catch (error) {
    if (!isRunnerError(error)) throw error;
    throw badSample(index, error.message, error);
  }
  return typed;
}

function withDtype(name: string, value: unknown, inputs: readonly ValueInfo[]): Tensor {
  // What is no tensor at all is left for the check, whose message says what was found.
  const tensor = { dims: [], data: [], ...(value as object) } as unknown as Tensor;
  const dtype = tensor.dtype ?? inputs.find((info) => info.name === name)?.dtype;
  return { ...tensor, dtype } as Tensor;
}

function withOpenRows(info: ValueInfo): ValueInfo {
  return { ...info, dims: info.dims.map((dim, axis) => (axis === 0 ? null : dim)) };
}

function badSample(index: number, what: string, cause?: unknown): StatisticsError {
  return new StatisticsError("bad-sample", `Sample ${index}: ${what}`, { sample: index, ...(cause ? { cause } : {}) });
}
