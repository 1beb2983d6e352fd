import {
  type Criterion,
  computeMasks,
  type Mask,
  type Pattern,
  resolvePattern,
  type WeightStatistics,
} from "@espalier/core";
import type { PrunableWeight } from "@espalier/onnx";
import type { Moments } from "./moments.js";
import type { Obs } from "./obs.js";
import type { LayerTask, RecoveryMethod } from "./solve/layer-task.js";

/** Numbers of a float tensor, in buffer order. */
export type Values = Float32Array | Float64Array;

/** What a layer is solved with, beside its moments. */
export interface LayerRequest {
  /** What goes: a criterion that scores weights, or `obs()`. Criteria that need statistics get those of `fit`. */
  readonly criterion: Criterion | Obs;
  readonly pattern: Pattern;
  /** What goes, where that is decided already. @default the criterion decides */
  readonly mask?: Mask;
  readonly method: RecoveryMethod;
  /** The values to start from. @default those of the weight itself, the dense ones */
  readonly values?: Values;
  readonly fit: readonly Moments[];
  /** @default none */
  readonly held?: readonly Moments[];
  /** Whether there is a bias that may change. */
  readonly intercept: boolean;
  readonly damping?: number;
}

/** The task of one layer; a mask that the criterion decides is computed here. */
export function layerTask(weight: PrunableWeight, request: LayerRequest): LayerTask {
  const { name, outChannels, inFeatures, groups, axes } = weight;
  const { method, damping, criterion, fit, held = [] } = request;
  const dense = weight.read();
  const values = request.values ?? dense;
  const pattern = resolvePattern(request.pattern, criterion);
  const mask = request.mask ?? maskBy(criterion, { ...weight, read: () => values }, pattern, fit);
  const { spec, sparsity, group } = pattern;
  return {
    ...{ weight: name, outChannels, inFeatures, groups, axes, values, dense, fit, method },
    ...(held.length > 0 && { held }),
    ...(mask && { mask: { length: mask.length, bits: mask.bits } }),
    pattern: { spec, sparsity, ...(group && { group }) },
    intercept: request.intercept && method !== "none",
    ...(damping !== undefined && { damping }),
  };
}

/** Undefined where OBS chooses. */
function maskBy(
  criterion: Criterion | Obs,
  weight: PrunableWeight,
  pattern: Pattern,
  fit: readonly Moments[],
): Mask | undefined {
  if (!("score" in criterion)) return undefined;
  const statistics = new Map([[weight.name, statisticsOf(weight, fit)]]);
  return computeMasks([weight], { criterion, pattern, statistics }).get(weight.name)!.mask;
}

/** What criteria know of inputs: the diagonals of their Gram matrices. */
function statisticsOf({ groups, inFeatures }: PrunableWeight, fit: readonly Moments[]): WeightStatistics {
  const sumOfSquares = new Float64Array(groups * inFeatures);
  for (const [group, { gram }] of fit.entries()) {
    for (let feature = 0; feature < inFeatures; feature++) {
      sumOfSquares[group * inFeatures + feature] = gram[feature * (inFeatures + 1)]!;
    }
  }
  return { sumOfSquares, count: fit[0]!.count };
}
