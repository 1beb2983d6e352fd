import { quoteAll } from "../check-feeds.js";
import type { Sample, Tensor, ValueInfo } from "../tensor.js";
import { tensorMisfit } from "../tensor-misfit.js";
import { badSamples } from "./bad-samples.js";
import { flattenJson, guessDtype, leavesToTensor } from "./json-tensor.js";
import { makeSampleSet, type SampleSet } from "./sample-set.js";

interface Row {
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Decodes a `.jsonl` file: one object per line and sample, input name → nested arrays *without* the batch axis. Dtypes come
 * from the model. Samples may differ in size where the model leaves a size open; rows within one sample may not.
 * Other keys become extras. Empty lines are skipped.
 *
 * @param bytes UTF-8
 * @param inputs `runner.inputs`
 * @param name of the file, for messages @default "jsonl"
 * @throws {RunnerError} `bad-samples` with `line`, `sample` and `input`: text that is no JSON object, a missing input,
 *   another rank or fixed size, a number that the dtype cannot hold, no samples at all
 */
export function decodeJsonl(bytes: Uint8Array, inputs: readonly ValueInfo[], name = "jsonl"): SampleSet {
  const rows = parseLines(bytes, name);
  if (rows.length === 0) throw badSamples(name, "it holds no samples; expected one JSON object per line.");
  const samples = rows.map((row, sample) => toSample(row, sample, inputs, name));
  const inputNames = new Set(inputs.map((info) => info.name));
  const keys = new Set(rows.flatMap((row) => Object.keys(row.fields)));
  const extras = [...keys].filter((key) => !inputNames.has(key));
  return makeSampleSet(name, {
    count: samples.length,
    at: (index) => samples[index]!,
    extras,
    extra: (key) => toExtra(key, rows, name),
  });
}

function parseLines(bytes: Uint8Array, name: string): readonly Row[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw badSamples(name, "it is not UTF-8 text; expected one JSON object per line.", { cause });
  }
  return text
    .split("\n")
    .map((content, index) => ({ content, line: index + 1 }))
    .filter(({ content }) => content.trim() !== "")
    .map(({ content, line }) => ({ line, fields: parseObject(content, line, name) }));
}

function parseObject(content: string, line: number, name: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw badSamples(`${name}, line ${line}`, `not JSON (${(cause as Error).message}).`, { line, cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw badSamples(`${name}, line ${line}`, "expected an object: input name → nested arrays.", { line });
}

function toSample(row: Row, sample: number, inputs: readonly ValueInfo[], name: string): Sample {
  return Object.fromEntries(inputs.map((info) => [info.name, toFeed(info, row, sample, name)]));
}

function toFeed(info: ValueInfo, row: Row, sample: number, name: string): Tensor {
  const fail = (what: string, context = {}) =>
    badSamples(`${name}, line ${row.line}, input ${JSON.stringify(info.name)}`, what, {
      line: row.line,
      sample,
      input: info.name,
      ...context,
    });
  if (!Object.hasOwn(row.fields, info.name)) {
    throw fail(`it is missing; the line holds ${quoteAll(Object.keys(row.fields))}.`);
  }
  const flat = flattenJson(row.fields[info.name]);
  if (typeof flat === "string") throw fail(`${flat}.`);
  const tensor = leavesToTensor(info.dtype, [1, ...flat.dims], flat.leaves);
  if (typeof tensor === "string") throw fail(`${tensor}.`);
  const misfit = tensorMisfit({ ...info, dims: info.dims.length === 0 ? [] : [1, ...info.dims.slice(1)] }, tensor);
  if (misfit === undefined) return tensor;
  const advice = tensor.dims.length > info.dims.length ? " The batch axis is added for you: leave it out." : "";
  throw fail(`expected ${misfit.expected}, found ${misfit.found} (batch axis included).${advice}`, misfit);
}

/** The dtype is the same for all samples, so it is chosen when all leaves are known. */
function toExtra(key: string, rows: readonly Row[], name: string): readonly Tensor[] {
  const fail = (what: string, row: Row, sample: number) =>
    badSamples(`${name}, line ${row.line}, ${JSON.stringify(key)}`, what, { line: row.line, sample, entry: key });
  const flats = rows.map((row, sample) => {
    if (!Object.hasOwn(row.fields, key)) throw fail("it is missing; expected it on every line.", row, sample);
    const flat = flattenJson(row.fields[key]);
    if (typeof flat === "string") throw fail(`${flat}.`, row, sample);
    return flat;
  });
  const dtype = guessDtype(flats.flatMap((flat) => flat.leaves));
  if (dtype === undefined) {
    throw badSamples(`${name}, ${JSON.stringify(key)}`, "expected numbers, bools or texts, all of one kind.", {
      entry: key,
    });
  }
  return flats.map(({ dims, leaves }, sample) => {
    const tensor = leavesToTensor(dtype, [1, ...dims], leaves);
    if (typeof tensor === "string") throw fail(`${tensor}.`, rows[sample]!, sample);
    return tensor;
  });
}
