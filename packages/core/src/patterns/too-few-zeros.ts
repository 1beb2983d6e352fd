import type { ComparisonGroup } from "../comparison-group.js";
import { forEachEntry } from "../layout/for-each-entry.js";
import { nnz } from "../mask/count.js";
import type { Mask } from "../mask/mask.js";
import { prunedCount } from "../pruned-count.js";
import type { WeightView } from "../weight-view.js";
import { axisConflictReason } from "./axis-conflict.js";
import type { Violation } from "./pattern.js";

/** Where a weight has fewer zeros than an unstructured pattern asks for. */
export function tooFewZeros(
  view: WeightView,
  zeros: Mask,
  sparsity: number,
  group: ComparisonGroup | undefined,
): Violation | undefined {
  if (group === "model") return undefined;
  if (group === "row") return rowWithTooFewZeros(view, zeros, sparsity);
  const inLayer = prunedCount(zeros.length, sparsity);
  const inRows = view.outChannels * prunedCount(view.inFeatures, sparsity);
  const expected = group === "layer" ? inLayer : Math.min(inLayer, inRows);
  const found = zeros.length - nnz(zeros);
  if (found >= expected) return undefined;
  return { message: `${found} of ${zeros.length} entries are zero, sparsity ${sparsity} asks for ${expected}` };
}

function rowWithTooFewZeros(view: WeightView, zeros: Mask, sparsity: number): Violation | undefined {
  const conflict = axisConflictReason(view);
  if (conflict !== undefined) return { message: conflict };
  const kept = new Uint32Array(view.outChannels);
  forEachEntry(view, (index, outChannel) => {
    if (zeros.keeps(index)) kept[outChannel]!++;
  });
  const expected = prunedCount(view.inFeatures, sparsity);
  const outChannel = kept.findIndex((count) => view.inFeatures - count < expected);
  if (outChannel < 0) return undefined;
  const found = view.inFeatures - kept[outChannel]!;
  return {
    message: `out channel ${outChannel}: ${found} of ${view.inFeatures} entries are zero, sparsity ${sparsity} asks for ${expected}`,
    outChannel,
  };
}
