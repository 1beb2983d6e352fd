import type { PrunableWeight, Weight } from "@espalier/onnx";
import picomatch from "picomatch";
import { EspalierError } from "./errors.js";

/** Which weights to prune, by glob over weight names and the names of the nodes that consume them. */
export interface WeightSelection {
  /**
   * Prune only what one of these matches. `*` stops at `/`, `**` does not; a plain name matches itself.
   * @default every prunable weight
   */
  readonly include?: readonly string[];
  /** Leave alone what one of these matches; wins over `include`. @default nothing */
  readonly exclude?: readonly string[];
}

/**
 * The prunable weights that a selection names, in model order.
 *
 * @throws {EspalierError} `input` when the model has no prunable weight; `usage` when a glob matches no prunable weight or
 * nothing is left
 */
export function selectWeights(weights: readonly Weight[], selection: WeightSelection): PrunableWeight[] {
  const prunable = weights.filter((weight) => weight.prunable);
  if (prunable.length === 0) throw new EspalierError("input", noPrunableWeight(weights));
  const included = selection.include ? matching(weights, prunable, selection.include, "include") : new Set(prunable);
  const excluded = matching(weights, prunable, selection.exclude ?? [], "exclude");
  const selected = prunable.filter((weight) => included.has(weight) && !excluded.has(weight));
  if (selected.length === 0) {
    throw new EspalierError(
      "usage",
      `exclude leaves nothing to prune: all ${included.size} included weights are excluded`,
    );
  }
  return selected;
}

function matching(
  weights: readonly Weight[],
  prunable: readonly PrunableWeight[],
  globs: readonly string[],
  option: "include" | "exclude",
): Set<PrunableWeight> {
  const found = new Set<PrunableWeight>();
  for (const glob of globs) {
    const matches = prunable.filter((weight) => namesOf(weight).some(matcher(glob)));
    if (matches.length === 0) throw new EspalierError("usage", nothingMatches(weights, prunable, glob, option));
    for (const weight of matches) found.add(weight);
  }
  return found;
}

/** Names may hold characters that mean something in a glob, so a literal match always counts. */
function matcher(glob: string): (name: string) => boolean {
  const matches = picomatch(glob, { dot: true });
  return (name) => name === glob || matches(name);
}

function namesOf(weight: Weight): string[] {
  return [weight.name, ...weight.consumers.map((consumer) => consumer.node)];
}

function nothingMatches(
  weights: readonly Weight[],
  prunable: readonly PrunableWeight[],
  glob: string,
  option: string,
): string {
  const refused = weights.find((weight) => !weight.prunable && namesOf(weight).some(matcher(glob)));
  const why = refused && !refused.prunable ? `; ${refused.name} cannot be pruned: ${refused.reason}` : "";
  const examples = prunable
    .slice(0, 3)
    .map((weight) => weight.name)
    .join(", ");
  return `--${option} "${glob}" matches none of the ${prunable.length} prunable weights (such as ${examples})${why}`;
}

function noPrunableWeight(weights: readonly Weight[]): string {
  const [first] = weights;
  const why = first && !first.prunable ? ` (for example ${first.name}: ${first.reason})` : "";
  return `the model has no prunable weight: none of its ${weights.length} constant tensors feeds a linear operator${why}`;
}
