import {
  type AllocationEvidence,
  allocatePattern,
  type Criterion,
  outlierShare,
  type Pattern,
  parseAllocation,
  resolvePattern,
  type Statistics,
  wanda,
} from "@espalier/core";
import type { Model, PrunableWeight } from "@espalier/onnx";
import type { Obs } from "@espalier/recover";
import type { Sample } from "@espalier/runtime";
import { collectStatistics } from "../calibrate.js";
import type { ProgressEvent } from "../progress.js";
import { needsSamples } from "./needs-samples.js";
import type { RecoveryOptions } from "./recovery-options.js";
import { sensitivitiesOf } from "./sensitivities.js";

/** What an allocation is made from. */
export interface AllocationRequest extends RecoveryOptions {
  readonly criterion: Criterion | Obs;
  readonly pattern: Pattern;
  readonly statistics?: Statistics | undefined;
  /** Reads the samples, where there are any. */
  readonly samples?: (() => Promise<readonly Sample[]>) | undefined;
  readonly mask?: string;
  readonly onProgress?: (event: ProgressEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * The pattern of each weight at the sparsity that its share of the whole comes to.
 *
 * @throws {EspalierError} `usage` when the strategy needs samples or statistics and there are none
 * @throws {CoreError} `invalid-sparsity` for patterns that fix their sparsity
 */
export async function allocate(
  model: Model,
  weights: readonly PrunableWeight[],
  request: AllocationRequest,
): Promise<ReadonlyMap<string, Pattern>> {
  const strategy = parseAllocation(request.allocation ?? "uniform");
  const pattern = resolvePattern(request.pattern, request.criterion);
  if (strategy.name === "uniform") return new Map(weights.map(({ name }) => [name, pattern]));
  // Refuses what cannot be divided before anything is measured.
  if (pattern.withSparsity === undefined) return allocatePattern(weights, { strategy, pattern });
  const evidence = await evidenceFor(strategy.needs, model, weights, request, pattern);
  return allocatePattern(weights, { strategy, pattern, evidence });
}

async function evidenceFor(
  needs: keyof AllocationEvidence | undefined,
  model: Model,
  weights: readonly PrunableWeight[],
  request: AllocationRequest,
  pattern: Pattern,
): Promise<AllocationEvidence> {
  if (needs === "sensitivity") {
    return { sensitivity: request.sensitivities ?? (await sensitivitiesOf(model, weights, request, pattern)) };
  }
  const scores = await scoresOf(model, weights, request, needs === "outliers");
  if (needs === "importance") return { importance: (name) => scores(name) };
  return { outliers: { shares: new Map(weights.map(({ name }) => [name, outlierShare(scores(name))])) } };
}

/** Importance by weight name: that of the criterion, or of Wanda where the paper says so or OBS has no scores. */
async function scoresOf(
  model: Model,
  weights: readonly PrunableWeight[],
  request: AllocationRequest,
  byWanda: boolean,
): Promise<(name: string) => Float32Array> {
  const { criterion: asked } = request;
  const criterion = byWanda || !("score" in asked) ? wanda() : asked;
  const statistics = criterion.needsStatistics ? await statisticsFor(model, weights, request) : undefined;
  const byName = new Map(weights.map((weight) => [weight.name, weight]));
  return (name) => {
    const weight = byName.get(name)!;
    return criterion.score(weight, weight.read(), statistics?.get(name));
  };
}

async function statisticsFor(
  model: Model,
  weights: readonly PrunableWeight[],
  { statistics, samples, mask, signal, threads, allocation }: AllocationRequest,
): Promise<Statistics> {
  if (statistics) return statistics;
  if (!samples) throw needsSamples(allocation!);
  const collected = await collectStatistics(model, await samples(), {
    weights: weights.map(({ name }) => name),
    ...(mask !== undefined && { mask }),
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
  });
  return collected.statistics;
}
