import { batch, isRunnerError, type Runner, type Sample } from "@espalier/runtime";
import type { Sum } from "../moment.js";
import type { Probe } from "../probe.js";
import { isStatisticsError, StatisticsError } from "../statistics-error.js";
import { Accumulator } from "./accumulator.js";
import { describeShard, type Shard } from "./shard.js";

/** What {@link runShard} needs beside the shard. */
export interface ShardRun {
  /** Of the instrumented model. */
  readonly runner: Runner;
  readonly probes: readonly Probe[];
  /** Most samples in one run. */
  readonly batch: number;
  /** Asked before every run whether to give up. */
  readonly stopped: () => boolean;
}

/**
 * Runs the instrumented model over a shard.
 *
 * @returns one sum per probe, in their order; undefined when it was stopped
 * @throws {StatisticsError} `not-finite` with the first weight, in the order of the probes, whose input is not finite;
 *   `run-failed` when ONNX Runtime stops. Both name the sample where it can be found
 */
export async function runShard(run: ShardRun, shard: Shard): Promise<readonly Sum[] | undefined> {
  try {
    return await sumSamples(run, shard.samples);
  } catch (error) {
    const found = isBatchMisfit(error) ? undefined : await firstFailure(run, shard);
    throw explained(found?.error ?? error, shard, found?.sample);
  }
}

async function sumSamples(run: ShardRun, samples: readonly Sample[]): Promise<readonly Sum[] | undefined> {
  const { runner, probes, stopped } = run;
  const names = [...new Set(probes.flatMap(({ sumOutput, countOutput }) => [sumOutput, countOutput]))];
  const sums = probes.map((probe) => new Accumulator(probe));
  for (const feeds of batch(samples, run.batch)) {
    if (stopped()) return undefined;
    const outputs = await runner.run(feeds, names);
    for (const sum of sums) sum.add(outputs);
  }
  // NaN spreads to all that comes after it, so the first is where it began.
  const broken = sums.find((sum) => !sum.finite);
  if (broken !== undefined) throw notFinite(broken.probe);
  return sums.map(({ sum }) => sum);
}

/** Runs the samples one by one, to name the one that fails; undefined when each alone succeeds. */
async function firstFailure(run: ShardRun, { first, samples }: Shard) {
  for (const [index, sample] of samples.entries()) {
    try {
      await sumSamples(run, [sample]);
    } catch (error) {
      if (!isBatchMisfit(error)) return { error, sample: first + index };
    }
  }
  return undefined;
}

/** Every sample was checked before, so only the number of rows can be wrong: the model takes batches of a fixed size. */
function isBatchMisfit(error: unknown): boolean {
  return isRunnerError(error, "bad-input");
}

function notFinite({ weights: [weight] }: Probe): StatisticsError {
  const what = `the input of weight ${JSON.stringify(weight!.name)} holds NaN or Infinity, or its squares exceed float32`;
  return new StatisticsError("not-finite", what, { weight: weight!.name });
}

/** The error with its place; anything that neither ONNX Runtime nor we threw stays as it is. */
function explained(error: unknown, shard: Shard, sample: number | undefined): unknown {
  const place = sample === undefined ? describeShard(shard) : `sample ${sample} of shard ${shard.index}`;
  const context = { shard: shard.index, ...(sample === undefined ? {} : { sample }) };
  if (isStatisticsError(error)) {
    return new StatisticsError(error.code, `In ${place}, ${error.message}. Leave it out or repair it.`, {
      ...error.context,
      ...context,
    });
  }
  if (!isRunnerError(error)) return error;
  if (!isBatchMisfit(error))
    return new StatisticsError("run-failed", `In ${place}: ${error.message}`, { ...context, cause: error });
  const advice = "The model fixes its batch size: choose that as `batch`, and a number of samples that it divides.";
  return new StatisticsError("bad-sample", `In ${place}: ${error.message} ${advice}`, { ...context, cause: error });
}
