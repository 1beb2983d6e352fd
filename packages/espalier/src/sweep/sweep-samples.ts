import { modelInputs } from "@espalier/calibrate";
import type { Model } from "@espalier/onnx";
import { checkFeeds, isRunnerError, type Sample } from "@espalier/runtime";
import { EspalierError } from "../errors.js";
import { labelsIn } from "../labels-in.js";
import type { SampleSource, Samples } from "../samples.js";

/** What a sweep runs one model on. */
export interface SweepSamples {
  /** What criteria and recovery see. */
  readonly calibration: readonly Sample[];
  /** What both models are compared on; none of the above unless they were given so. */
  readonly test: readonly Sample[];
  /** One for each of `test`. */
  readonly labels?: readonly unknown[];
}

/** Where they come from. */
export interface SweepSampleSources {
  /** What criteria and recovery see. */
  readonly samples: Samples | SampleSource;
  /** What both models are compared on. @default the second half of `samples`, and then only the first half is for calibration */
  readonly testSamples?: Samples | SampleSource;
  /**
   * The class of every sample that the test samples are taken from: of `testSamples`, or without them of `samples`; or the name of
   * an array of classes beside the model's inputs in their files. With a metric anything else that can be cloned.
   * @default accuracy is not measured
   */
  readonly labels?: string | ArrayLike<unknown>;
}

/**
 * Reads the samples of a model. Without test samples the first half (of an odd number the smaller one) is for calibration.
 *
 * @throws {EspalierError} `input` for fewer samples than that takes, or one that does not fit; what reading throws
 */
export async function openSweepSamples(model: Model, sources: SweepSampleSources): Promise<SweepSamples> {
  const { samples, testSamples, labels } = sources;
  const given = await read(model, samples, "sample");
  const tested = testSamples === undefined ? given : await read(model, testSamples, "test sample");
  const all = typeof labels === "string" ? labelsIn(tested.opened, labels) : labels && Array.from(labels);
  if (testSamples !== undefined) return { calibration: given.list, test: tested.list, ...(all && { labels: all }) };
  const half = Math.floor(given.list.length / 2);
  if (half === 0)
    throw new EspalierError(
      "input",
      "one sample cannot be both for calibration and for the test: give more, or test samples",
    );
  requireOneForEach(all, given.list);
  return {
    calibration: given.list.slice(0, half),
    test: given.list.slice(half),
    ...(all && { labels: all.slice(half) }),
  };
}

async function read(model: Model, source: Samples | SampleSource, what: string) {
  const inputs = modelInputs(model);
  const opened = "open" in source ? await source.open(inputs) : source;
  const list: Sample[] = [];
  for await (const sample of opened) {
    try {
      checkFeeds(sample, inputs);
    } catch (cause) {
      if (!isRunnerError(cause)) throw cause;
      throw new EspalierError("input", `${what} ${list.length} does not fit the model: ${cause.message}`, { cause });
    }
    list.push(sample);
  }
  if (list.length === 0) throw new EspalierError("input", `there is no ${what}: give at least one`);
  return { opened, list };
}

/** Before they are cut: of what is left nobody could tell. */
function requireOneForEach(labels: readonly unknown[] | undefined, samples: readonly Sample[]): void {
  if (labels === undefined || labels.length === samples.length) return;
  throw new EspalierError(
    "input",
    `there are ${labels.length} labels for ${samples.length} samples: give one for every sample`,
  );
}

/** The same samples with their numbers in memory that threads share instead of copying it. */
export function inSharedMemory(samples: readonly Sample[]): readonly Sample[] {
  return samples.map((sample) =>
    Object.fromEntries(
      Object.entries(sample).map(([name, tensor]) => [name, { ...tensor, data: shared(tensor.data) }]),
    ),
  ) as readonly Sample[];
}

function shared(data: Sample[string]["data"]): Sample[string]["data"] {
  if (!ArrayBuffer.isView(data)) return data;
  const Numbers = data.constructor as Float32ArrayConstructor;
  const copy = new Numbers(new SharedArrayBuffer(data.byteLength));
  copy.set(data as Float32Array);
  return copy;
}
