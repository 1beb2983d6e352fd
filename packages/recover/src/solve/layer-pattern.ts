import { isCoreError, Mask, type Pattern, parsePattern, type WeightView } from "@espalier/core";
import { RecoverError } from "../recover-error.js";
import type { LayerTask, MaskBits } from "./layer-task.js";

/** N:M fixes its own sparsity, and core refuses another. */
const N_OF_M = /^\d+:(\d+)$/;
const BALANCED = /^blocks:(\d+)x(\d+)$/;
const TILES = /^block:\d+x(\d+)$/;

/** How what goes is chosen, by the pattern. */
export type Choice =
  | { readonly kind: "unstructured" }
  | { readonly kind: "n-of-m"; readonly m: number }
  | { readonly kind: "balanced"; readonly inputs: number; readonly outputs: number }
  /** `width`: in-features of a tile. */
  | { readonly kind: "tiles"; readonly width: number };

/** How a pattern's zeros are chosen in a weight. */
export function choiceOf({ pattern: { spec }, inFeatures }: LayerTask): Choice {
  const [, m] = N_OF_M.exec(spec) ?? [];
  if (m !== undefined) return { kind: "n-of-m", m: Number(m) };
  const [, inputs, outputs] = BALANCED.exec(spec) ?? [];
  if (inputs !== undefined) return { kind: "balanced", inputs: Number(inputs), outputs: Number(outputs) };
  const [, width] = TILES.exec(spec) ?? [];
  if (width !== undefined) return { kind: "tiles", width: Number(width) };
  if (spec === "columns") return { kind: "tiles", width: 1 };
  return spec === "rows" ? { kind: "tiles", width: inFeatures } : { kind: "unstructured" };
}

/** A task's weight as core sees it. */
export function viewOfTask({ weight, outChannels, inFeatures, groups, axes, values }: LayerTask): WeightView {
  return { name: weight, outChannels, inFeatures, groups, axes, read: () => values };
}

/**
 * The pattern of a task, once it is known that the weight can take it and that a given mask keeps to it.
 *
 * An unstructured mask may have any number of zeros: it may come from a ranking over all weights of the model.
 *
 * @throws {RecoverError} `unsupported`; `mask-misfit`
 */
export function patternOf(task: LayerTask): Pattern {
  const { weight, pattern: given, mask } = task;
  const pattern = parse(task);
  const reason = pattern.eligibility(viewOfTask(task));
  if (reason !== undefined) {
    throw new RecoverError("unsupported", `weight "${weight}" cannot take the pattern ${given.spec}: ${reason}`, {
      weight,
    });
  }
  if (mask === undefined && given.group === "model") {
    const message = `weight "${weight}": what goes cannot be chosen over all weights of a model by cost, one weight at a time; give each a sparsity of its own, or a mask`;
    throw new RecoverError("unsupported", message, { weight });
  }
  if (mask !== undefined) requireMask(task, pattern, mask);
  return pattern;
}

function parse({ weight, pattern: { spec, sparsity, group } }: LayerTask): Pattern {
  try {
    return parsePattern(spec, N_OF_M.test(spec) ? undefined : sparsity, group);
  } catch (cause) {
    if (!isCoreError(cause)) throw cause;
    throw new RecoverError("unsupported", `weight "${weight}": ${cause.message}`, { weight, cause });
  }
}

function requireMask(task: LayerTask, pattern: Pattern, { length, bits }: MaskBits): void {
  const { weight, values } = task;
  if (length !== values.length || bits.length !== Math.ceil(length / 8)) {
    const message = `weight "${weight}": the mask has ${length} entries in ${bits.length} bytes, expected ${values.length} as the weight`;
    throw new RecoverError("mask-misfit", message, { weight });
  }
  if (pattern.spec === "unstructured") return;
  const violation = pattern.violation(viewOfTask(task), Mask.adopt(length, bits), "mask");
  if (violation === undefined) return;
  const message = `weight "${weight}": the mask breaks the pattern ${pattern.spec}: ${violation.message}`;
  throw new RecoverError("mask-misfit", message, { weight });
}
