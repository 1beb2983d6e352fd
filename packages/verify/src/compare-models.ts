import type { Runner, Sample, Tensor } from "@espalier/runtime";
import { type Scorer, scorerOf } from "./accuracy/scorer.js";
import type { BackendFigures, OutputFigures } from "./check.js";
import { type Execution, runOnce } from "./execution.js";
import { interfaceMismatch } from "./interface-mismatch.js";
import type { VerifyOptions } from "./options.js";
import { OtherBackend } from "./other-backend.js";
import { OutputMeter } from "./output-distance.js";
import { VerifyError } from "./verify-error.js";

/** What both models put out for all samples, compared. */
export type Comparison =
  /** Nothing to compare, through no fault of the pruned model. */
  | { readonly status: "impossible"; readonly message: string }
  /** The pruned model's outputs cannot be compared with the original's. */
  | { readonly status: "incomparable"; readonly message: string }
  | {
      readonly status: "compared";
      readonly figures: OutputFigures;
      readonly scores?: Scores;
      /** The pruned model on the other backends asked for. */
      readonly backends: BackendFigures;
    };

/** Scores of every example by both models. */
export interface Scores {
  /** What they are: `top-1 accuracy`. */
  readonly name: string;
  readonly original: readonly number[];
  readonly pruned: readonly number[];
}

/**
 * Runs both models on every sample, once, and the pruned one on every backend, and measures all that outputs are judged by.
 *
 * @throws {VerifyError} `no-samples`; `bad-sample`; `bad-labels`, `bad-metric`, `invalid-option` of the accuracy
 */
export async function compareModels(options: VerifyOptions, execution: Execution): Promise<Comparison> {
  const original = await execution.open("original");
  if (!original.ok) {
    return { status: "impossible", message: `the original does not open here: ${original.problem}` };
  }
  const pruned = await execution.open("pruned");
  if (!pruned.ok) return { status: "impossible", message: "the pruned model does not open: see the check loads" };
  const mismatch = interfaceMismatch(original.runner, pruned.runner);
  if (mismatch !== undefined) return incomparable(mismatch);
  const scorer = options.accuracy && scorerOf(options.accuracy);
  return compareRuns(execution, original.runner, pruned.runner, scorer);
}

async function compareRuns(
  execution: Execution,
  original: Runner,
  pruned: Runner,
  scorer: Scorer | undefined,
): Promise<Comparison> {
  const meters = new Map(original.outputs.map(({ name }) => [name, new OutputMeter(name)]));
  const scores = { original: [] as number[], pruned: [] as number[] };
  const others = await openOthers(execution, original);
  let samples = 0;
  for await (const sample of execution.samples()) {
    const expected = await runOriginal(original, sample, samples, execution.random);
    // At the same time: a browser is another process.
    const [found, ...elsewhere] = await Promise.all([
      runOnce(pruned, sample),
      ...others.map((each) => each.run(sample)),
    ]);
    if (!found.ok) return incomparable(`the pruned model stops at sample ${samples}: ${found.problem}`);
    for (const [name, meter] of meters) {
      const output = found.outputs[name];
      const problem = output ? meter.add(expected[name]!, output) : `the pruned model has no output "${name}"`;
      if (problem !== undefined) return incomparable(problem);
    }
    for (const [index, each] of others.entries()) each.add(samples, found.outputs, elsewhere[index]);
    const pairs = await scorer?.score(expected, found.outputs, samples);
    for (const score of pairs?.original ?? []) scores.original.push(score);
    for (const score of pairs?.pruned ?? []) scores.pruned.push(score);
    samples++;
  }
  scorer?.finish(samples);
  const distances = [...meters.values()].map((meter) => meter.distance());
  return {
    status: "compared",
    figures: { kind: "outputs", samples, random: execution.random, outputs: distances },
    backends: {
      kind: "backends",
      first: execution.backends[0],
      samples,
      backends: others.map((each) => each.finding()),
    },
    ...(scorer && { scores: { name: scorer.name, ...scores } }),
  };
}

async function openOthers(execution: Execution, { outputs }: Runner): Promise<OtherBackend[]> {
  const [first, ...others] = execution.backends;
  const names = outputs.map(({ name }) => name);
  const opened: OtherBackend[] = [];
  for (const backend of others) {
    opened.push(new OtherBackend(backend, await execution.open("pruned", backend), first, names));
  }
  return opened;
}

function incomparable(message: string): Comparison {
  return { status: "incomparable", message };
}

async function runOriginal(
  original: Runner,
  sample: Sample,
  index: number,
  random: boolean,
): Promise<Readonly<Record<string, Tensor>>> {
  const result = await runOnce(original, sample);
  if (result.ok) return result.outputs;
  const which = random ? "a random feed, give samples" : `sample ${index}`;
  throw new VerifyError("bad-sample", `the original does not run on ${which}: ${result.problem}`, { sample: index });
}
