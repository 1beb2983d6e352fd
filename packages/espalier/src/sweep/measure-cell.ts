import {
  encodeModel,
  externalDataFiles,
  type Model,
  modelSize,
  type PrunableWeight,
  prunableWeights,
} from "@espalier/onnx";
import { isRunnerError, openRunner, type Runner, type Sample } from "@espalier/runtime";
import {
  type AccuracyOptions,
  compressedModelSize,
  measureLatency,
  OutputMeter,
  pairedDifference,
  type Scorer,
  scorerOf,
} from "@espalier/verify";
import { EspalierError } from "../errors.js";
import type { PrunedModel } from "../prune.js";
import { weightError } from "../weight-error.js";
import type { RecordedOutputs } from "./recorded-outputs.js";
import { scoreOf } from "./score.js";
import type { FinishedRow, SweptAccuracy, SweptLayer } from "./sweep-result.js";

/** What cells of a model are compared with; the original is open. */
export interface Reference {
  readonly original: Runner;
  readonly weights: ReadonlyMap<string, PrunableWeight>;
  readonly outputs: RecordedOutputs;
  readonly test: readonly Sample[];
  readonly accuracy: AccuracyOptions | undefined;
  /** Milliseconds that the original took while nothing else was measured. */
  readonly originalMs: number;
  readonly latencyRuns: number;
  /** Called between two runs; throws when the sweep is to stop. */
  readonly check: () => void;
}

/** All that is measured of a stored model. */
export type Measurement = Pick<
  FinishedRow,
  "outputError" | "cosine" | "accuracy" | "bytes" | "gzipBytes" | "latencyMs" | "speedup"
>;

/**
 * Runs a model on the test samples, compares it with the recorded outputs of the original, and times both in turns.
 *
 * @throws {EspalierError} `input` when its outputs cannot be compared, NaN or all zeros in the original for one; {@link RunnerError} when it does not load
 * @throws {VerifyError} `bad-metric`, `bad-labels`
 */
export async function measureCell(model: Model, reference: Reference): Promise<Measurement> {
  const runner = await openRunner(encodeModel(model), { externalData: externalDataFiles(model) });
  try {
    const quality = await compare(runner, reference);
    reference.check();
    const { original, originalMs, test, latencyRuns } = reference;
    await original.run(test[0]!);
    const { speedup } = await measureLatency(original, runner, test[0]!, latencyRuns);
    const { gzip } = await compressedModelSize(model, ["gzip"]);
    return {
      ...quality,
      ...{ bytes: modelSize(model), gzipBytes: gzip, latencyMs: originalMs / speedup.ratio },
      speedup: { ratio: speedup.ratio, interval: speedup.interval },
    };
  } finally {
    await runner.close();
  }
}

async function compare(runner: Runner, { test, outputs, accuracy, check }: Reference) {
  const meters = runner.outputs.map(({ name }) => ({ name, meter: new OutputMeter(name) }));
  const scorer = accuracy && scorerOf(accuracy);
  const scores = { original: [] as number[], pruned: [] as number[] };
  for (const [index, sample] of test.entries()) {
    check();
    const [expected, found] = [outputs.at(index), await runSample(runner, sample, index)];
    for (const { name, meter } of meters) {
      const problem = meter.add(expected[name]!, found[name]!);
      if (problem !== undefined) throw new EspalierError("input", `its outputs cannot be compared: ${problem}`);
    }
    const pairs = await scorer?.score(expected, found, index);
    for (const score of pairs?.original ?? []) scores.original.push(score);
    for (const score of pairs?.pruned ?? []) scores.pruned.push(score);
  }
  const distances = meters.map(({ meter }) => meter.distance());
  for (const { name, relativeL2 } of distances) {
    if (Number.isFinite(relativeL2)) continue;
    const message = `its outputs cannot be compared: the relative distance of output "${name}" is ${relativeL2}, as it is where the original's is all zeros`;
    throw new EspalierError("input", message);
  }
  const worst = distances.reduce((a, b) => (b.relativeL2 > a.relativeL2 ? b : a));
  return { outputError: worst.relativeL2, cosine: worst.meanCosine, ...accuracyFigures(scorer, scores) };
}

async function runSample(runner: Runner, sample: Sample, index: number) {
  try {
    return await runner.run(sample);
  } catch (cause) {
    if (!isRunnerError(cause)) throw cause;
    throw new EspalierError("input", `it stops at test sample ${index}: ${cause.message}`, { cause });
  }
}

function accuracyFigures(
  scorer: Scorer | undefined,
  { original, pruned }: { readonly original: readonly number[]; readonly pruned: readonly number[] },
): { readonly accuracy?: SweptAccuracy } {
  if (scorer === undefined) return {};
  const { difference, interval } = pairedDifference(original, pruned);
  return { accuracy: { ...scoreOf(pruned), drop: difference, interval } };
}

/** How far the values of each pruned weight moved from those of the original. */
export function layersOf({ model, weights }: PrunedModel, before: Reference["weights"]): readonly SweptLayer[] {
  const after = new Map(
    prunableWeights(model).flatMap((weight) => (weight.prunable ? [[weight.name, weight] as const] : [])),
  );
  // One buffer for each side serves all weights.
  const bytes = Float32Array.BYTES_PER_ELEMENT * Math.max(0, ...[...after.values()].map(entriesOf));
  const room = { before: new ArrayBuffer(bytes), after: new ArrayBuffer(bytes) };
  return weights.map(({ name, sparsity }) => {
    const values = after.get(name)!.read(room.after);
    const error = weightError(before.get(name)!.read(room.before), values);
    return { name, entries: values.length, sparsity, weightError: error };
  });
}

function entriesOf({ outChannels, inFeatures }: PrunableWeight): number {
  return outChannels * inFeatures;
}
