import type { ComparisonGroup } from "../comparison-group.js";
import { CoreError } from "../errors.js";
import { selectSmallest, selectSmallestAcross } from "../kernels/index.js";
import { entryCount } from "../layout/entry-count.js";
import { Mask } from "../mask/mask.js";
import type { WeightMask } from "../mask/weight-mask.js";
import { prunedCount } from "../pruned-count.js";
import { requireSparsity } from "../require-sparsity.js";
import type { WeightView } from "../weight-view.js";
import { axisConflictReason } from "./axis-conflict.js";
import type { Pattern } from "./pattern.js";
import type { PatternSyntax } from "./pattern-syntax.js";
import { selectInRows } from "./select-in-rows.js";
import { tooFewZeros } from "./too-few-zeros.js";

const GROUPS: readonly ComparisonGroup[] = ["layer", "row", "model"];

/** Options of {@link unstructured}. */
export interface UnstructuredOptions {
  /** @default the criterion's own: `row` for wanda, `layer` for the others */
  readonly group?: ComparisonGroup;
}

/**
 * Zeros anywhere: of every comparison group the `prunedCount(size, sparsity)` least important entries go, lower buffer
 * index first among equals. With group `model` the count is taken over all weights together, and among equals those of
 * earlier weights go first. Group `row` needs certain axes.
 *
 * A weight conforms when every group has at least that many zeros; for `model`, where one weight alone says nothing,
 * always; without a group, when it has as many as the lower of `layer` and `row` asks for (they round differently).
 *
 * @throws {CoreError} `invalid-sparsity`; `invalid-pattern` on an unknown group
 */
export function unstructured(sparsity: number, options: UnstructuredOptions = {}): Pattern {
  requireSparsity(sparsity);
  const { group } = options;
  if (group !== undefined && !GROUPS.includes(group)) {
    throw new CoreError("invalid-pattern", `the comparison group is "${group}", expected one of ${GROUPS.join(", ")}`);
  }
  return {
    spec: "unstructured",
    sparsity,
    ...(group && { group }),
    eligibility: (view) => (group === "row" ? axisConflictReason(view) : undefined),
    select(views, importanceOf) {
      if (group === "model") return selectAcross(views, importanceOf, sparsity);
      const selectOne = group === "row" ? selectInRows : selectInLayer;
      return views.map((view) => selectOne(view, importanceOf(view), sparsity));
    },
    violation: (view, zeros) => tooFewZeros(view, zeros, sparsity, group),
    withSparsity: (other) => unstructured(other, options),
    withGroup: (other) => unstructured(sparsity, { group: other }),
  };
}

/** `unstructured`, with a sparsity and perhaps a group. */
export const unstructuredSyntax: PatternSyntax = {
  form: "unstructured",
  expression: /^unstructured$/,
  fixesSparsity: false,
  takesGroup: true,
  build: (_, sparsity, group) => unstructured(sparsity, group && { group }),
};

function selectInLayer(_: WeightView, importance: Float32Array, sparsity: number): WeightMask {
  const bits = bitsFor(importance.length);
  selectSmallest(importance, prunedCount(importance.length, sparsity), bits);
  return { mask: Mask.adopt(importance.length, bits), raggedBlocks: 0 };
}

function selectAcross(
  views: readonly WeightView[],
  importanceOf: (view: WeightView) => Float32Array,
  sparsity: number,
): WeightMask[] {
  const lengths = views.map(entryCount);
  const bits: Uint8Array[] = [];
  // Made when they are first written, after the weight has been read: axes that lie may claim any number of entries.
  const bitsOf = (index: number): Uint8Array => {
    bits[index] ??= bitsFor(lengths[index]!);
    return bits[index];
  };
  const total = lengths.reduce((sum, length) => sum + length, 0);
  selectSmallestAcross(lengths, (index) => importanceOf(views[index]!), prunedCount(total, sparsity), bitsOf);
  return lengths.map((length, index) => ({ mask: Mask.adopt(length, bitsOf(index)), raggedBlocks: 0 }));
}

function bitsFor(length: number): Uint8Array {
  return new Uint8Array(Math.ceil(length / 8));
}
