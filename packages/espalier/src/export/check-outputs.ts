import { encodeModel, externalDataFiles, type Model, modelSize } from "@espalier/onnx";
import {
  isRunnerError,
  openRunner,
  type Runner,
  type RunnerOptions,
  randomFeeds,
  type Sample,
  type Tensor,
} from "@espalier/runtime";
import { exportedSize, LARGEST_IN_MEMORY } from "./exported-files.js";

/** What became of the comparison of two models on random feeds. */
export type OutputCheck =
  /** Largest relative L2 distance `‖exported − given‖ / ‖given‖` of an output. */
  { readonly status: "compared"; readonly distance: number } | { readonly status: "skipped"; readonly note: string };

/** Each takes a run of both models; a wrong weight shows in the first. */
const SEEDS = [0, 1] as const;

/** Runs both models on the same seeded feeds and compares their outputs. */
export async function checkOutputs(given: Model, exported: Model, options: RunnerOptions): Promise<OutputCheck> {
  if (Math.max(modelSize(given), exportedSize(given, exported)) > LARGEST_IN_MEMORY) {
    return { status: "skipped", note: "outputs were not compared: the model is too large to be held in memory twice" };
  }
  const expected = await givenOutputs(given, options);
  if (typeof expected === "string") return { status: "skipped", note: expected };
  const after = await open(exported, options);
  try {
    return await compare(after, expected);
  } finally {
    await after.close();
  }
}

/** What a given model does that cannot be run on made-up inputs; all else is to be reported. */
const UNSATISFIED = ["load-failed", "unsupported-type", "run-failed", "bad-input"] as const;

async function givenOutputs(given: Model, options: RunnerOptions): Promise<Runs | string> {
  try {
    const runner = await open(given, options);
    try {
      return await outputsOf(runner);
    } finally {
      await runner.close();
    }
  } catch (error) {
    if (!UNSATISFIED.some((code) => isRunnerError(error, code))) throw error;
    return `outputs were not compared: the given model does not run on random inputs: ${(error as Error).message}`;
  }
}

function open(model: Model, options: RunnerOptions): Promise<Runner> {
  return openRunner(encodeModel(model), { ...options, externalData: externalDataFiles(model) });
}

type Runs = readonly { readonly feeds: Sample; readonly outputs: Readonly<Record<string, Tensor>> }[];

async function outputsOf(runner: Runner): Promise<Runs> {
  const runs: Runs[number][] = [];
  for (const seed of SEEDS) {
    const feeds = randomFeeds(runner.inputs, { seed });
    runs.push({ feeds, outputs: await runner.run(feeds) });
  }
  return runs;
}

async function compare(runner: Runner, expected: Runs): Promise<OutputCheck> {
  let distance = 0;
  for (const { feeds, outputs } of expected) {
    const found = await runner.run(feeds);
    for (const [name, tensor] of Object.entries(outputs)) {
      distance = Math.max(distance, relativeDistance(tensor, found[name]));
    }
  }
  return { status: "compared", distance };
}

/** 0 for the same numbers; Infinity where type, shape or a NaN differ, or anything but zeros stands for zeros. */
function relativeDistance(a: Tensor, b: Tensor | undefined): number {
  if (b === undefined || a.dtype !== b.dtype || a.dims.join() !== b.dims.join()) return Number.POSITIVE_INFINITY;
  if (a.data.every((value, index) => Object.is(value, b.data[index]))) return 0;
  if (a.dtype === "string") return Number.POSITIVE_INFINITY;
  let difference = 0;
  let size = 0;
  for (let index = 0; index < a.data.length; index++) {
    const was = Number(a.data[index]);
    const is = Number(b.data[index]);
    if (Object.is(was, is)) {
      if (Number.isFinite(was)) size += was * was;
      continue;
    }
    difference += (is - was) ** 2;
    size += was * was;
  }
  const distance = difference === 0 ? 0 : Math.sqrt(difference / size);
  return Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
}
