import { type Pattern, resolvePattern, type Sensitivity } from "@espalier/core";
import { type Model, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { measureSensitivity, type RecoveryMethod } from "@espalier/recover";
import { openModel } from "../open-model.js";
import type { PruneOptions } from "../prune.js";
import { openSamples } from "../samples.js";
import { selectWeights } from "../select-weights.js";
import type { AllocationRequest } from "./allocate.js";
import { needsSamples } from "./needs-samples.js";

/**
 * Prunes every weight alone, at several sparsities, and measures what that does to the outputs: what the allocation
 * `sensitivity` divides a sparsity by. It does not depend on the sparsity of the pattern, so it serves runs at several.
 *
 * @param options as for `prune`, with `calibration`; the method decides whether kept weights are adjusted
 * @returns by weight name
 */
export async function measureSensitivities(
  model: string | Uint8Array | Model,
  options: PruneOptions,
): Promise<ReadonlyMap<string, Sensitivity>> {
  const { calibration, criterion, recover = calibration ? "least-squares" : "none" } = options;
  const opened = openModel(model);
  const weights = selectWeights(prunableWeights(opened), options);
  const samples = calibration && (() => openSamples(opened, calibration));
  return sensitivitiesOf(opened, weights, { ...options, recover, samples }, resolvePattern(options.pattern, criterion));
}

/** @param pattern resolved; takes a sparsity */
export async function sensitivitiesOf(
  model: Model,
  weights: readonly PrunableWeight[],
  request: AllocationRequest,
  pattern: Pattern,
): Promise<ReadonlyMap<string, Sensitivity>> {
  const { samples, criterion, recover, mask, batch, threads, memory, signal, onProgress } = request;
  if (!samples) throw needsSamples("sensitivity");
  const method: RecoveryMethod = recover ?? "none";
  let done = 0;
  return measureSensitivity(model, weights, {
    ...{ criterion, method, samples: await samples() },
    pattern: pattern as typeof pattern & Required<Pick<Pattern, "withSparsity">>,
    ...(mask !== undefined && { mask }),
    ...(batch !== undefined && { batch }),
    ...(threads !== undefined && { threads }),
    ...(memory !== undefined && { memory }),
    ...(signal && { signal }),
    onWeight: (item) => onProgress?.({ phase: "sensitivity", done: ++done, total: weights.length, item }),
  });
}
