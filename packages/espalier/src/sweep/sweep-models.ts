import { modelInputs } from "@espalier/calibrate";
import { type Model, prunableWeights, readModel } from "@espalier/onnx";
import { EspalierError } from "../errors.js";
import type { SampleSource, Samples } from "../samples.js";
import { selectWeights } from "../select-weights.js";
import { digestsOf, type ModelDigests } from "./digests.js";
import type { ResolvedSweep } from "./sweep-options.js";
import { openSweepSamples, type SweepSamples } from "./sweep-samples.js";

/** A model of a sweep, with its samples. */
export interface SweepModel {
  readonly name: string;
  readonly path: string;
  readonly model: Model;
  readonly samples: SweepSamples;
  readonly digests: ModelDigests;
}

/**
 * Reads all models and their samples, and finds what is wrong with them before any work is done.
 *
 * @returns by name, in order
 * @throws {OnnxError} of a file that is no model
 * @throws {EspalierError} `usage` when a glob matches nothing, `input` for samples
 */
export async function openModels(asked: ResolvedSweep): Promise<ReadonlyMap<string, SweepModel>> {
  const sources = {
    ...asked,
    samples: await repeatable(asked.samples),
    ...(asked.testSamples && { testSamples: await repeatable(asked.testSamples) }),
  };
  const models = new Map<string, SweepModel>();
  for (const [name, path] of asked.paths) {
    const model = readModel(path);
    selectWeights(prunableWeights(model), asked);
    requireInput(model, asked.mask);
    const samples = await openSweepSamples(model, sources);
    models.set(name, { name, path, model, samples, digests: await digestsOf(path, model, samples, asked) });
  }
  return models;
}

function requireInput(model: Model, mask: string | undefined): void {
  const names = modelInputs(model).map(({ name }) => name);
  if (mask === undefined || names.includes(mask)) return;
  throw new EspalierError("usage", `the mask ${mask} is no input of the model: it has ${names.join(", ")}`);
}

/** A generator gives its samples once, and every model wants them. */
async function repeatable(source: Samples | SampleSource): Promise<Samples | SampleSource> {
  if ("open" in source || Array.isArray(source)) return source;
  const list = [];
  for await (const sample of source) list.push(sample);
  return list;
}
