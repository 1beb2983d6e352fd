import {
  type Criterion,
  computeMasks,
  type Mask,
  type Pattern,
  requireSupport,
  resolvePattern,
  type Statistics,
} from "@espalier/core";
import type { PrunableWeight } from "@espalier/onnx";
import { EspalierError } from "./errors.js";
import { breathe, type ProgressEvent } from "./progress.js";

/** A weight that was asked for and left dense, and why. */
export interface SkippedWeight {
  readonly name: string;
  readonly reason: string;
}

/** What masks are chosen by. */
export interface MaskChoice {
  readonly criterion: Criterion;
  readonly pattern: Pattern;
  /** @default none, for criteria that need none */
  readonly statistics?: Statistics;
  readonly onProgress?: (event: ProgressEvent) => void;
  readonly signal?: AbortSignal;
}

/** Selected weights, apart by whether they can be pruned as asked. */
export interface Division {
  readonly supported: readonly PrunableWeight[];
  readonly skipped: readonly SkippedWeight[];
}

/**
 * Sets the weights apart that must stay dense.
 *
 * @param reasonAgainst why a weight cannot be pruned as asked; undefined where it can
 * @param spec the pattern, for the message
 * @throws {EspalierError} `input` when none is left
 */
export function divide(
  selected: readonly PrunableWeight[],
  reasonAgainst: (weight: PrunableWeight) => string | undefined,
  spec: string,
): Division {
  const judged = selected.map((weight) => ({ weight, reason: reasonAgainst(weight) }));
  const skipped = judged.flatMap(({ weight: { name }, reason }) => (reason === undefined ? [] : [{ name, reason }]));
  if (skipped.length === selected.length) {
    const [first] = skipped as [SkippedWeight];
    const all = `none of the ${selected.length} selected weights can be pruned as ${spec}`;
    throw new EspalierError("input", `${all}; ${first.name}: ${first.reason}`);
  }
  return { supported: judged.flatMap(({ weight, reason }) => (reason === undefined ? [weight] : [])), skipped };
}

/**
 * The masks of weights that keep their values. Weights that are ranked together are given to core together; all others go one
 * by one, so that a run can stop.
 *
 * @param patterns by weight name, where an allocation gave each its own. @default the pattern of the choice
 * @throws {CoreError} `unsupported` with every weight that cannot take the choice
 */
export async function chooseMasks(
  weights: readonly PrunableWeight[],
  choice: MaskChoice,
  patterns?: ReadonlyMap<string, Pattern>,
): Promise<Map<string, Mask>> {
  requireSupport(weights, choice);
  const together = resolvePattern(choice.pattern, choice.criterion).group === "model";
  const parts = together ? [weights] : weights.map((weight) => [weight]);
  const masks = new Map<string, Mask>();
  const scratch = scratchFor(weights);
  for (const part of parts) {
    await breathe(choice.signal);
    const pattern = (!together && patterns?.get(part[0]!.name)) || choice.pattern;
    const request = { ...choice, pattern, ...(scratch && { scratch }) };
    for (const [name, { mask }] of computeMasks(part, request)) masks.set(name, mask);
    choice.onProgress?.({ phase: "masks", done: masks.size, total: weights.length, item: part.at(-1)!.name });
  }
  return masks;
}

/**
 * Memory that holds any of these weights as f32; f64 weights, which are rare, take memory of their own. Undefined where
 * there is not that much: dims may claim any size, and what is wrong with them is told by who reads the weight.
 */
function scratchFor(weights: readonly PrunableWeight[]): ArrayBuffer | undefined {
  try {
    return new ArrayBuffer(4 * Math.max(...weights.map((weight) => weight.outChannels * weight.inFeatures)));
  } catch {
    return undefined;
  }
}
