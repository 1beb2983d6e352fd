import { CoreError } from "../errors.js";
import { entryCount } from "../layout/entry-count.js";
import type { Pattern } from "../patterns/pattern.js";
import { tileGrid } from "../patterns/tile-grid.js";
import type { WeightView } from "../weight-view.js";

/** How many things of equal rank a pattern counts when it prunes a fraction of them. */
interface Counting {
  /** Matches the pattern's spec; its groups are the pattern's whole numbers. */
  readonly expression: RegExp;
  counted(view: WeightView, pattern: Pattern, numbers: readonly number[]): number;
}

/** To add a pattern that takes a sparsity: a line here. */
const COUNTINGS: readonly Counting[] = [
  {
    expression: /^unstructured$/,
    counted: (view, { group }) => (group === "row" ? view.inFeatures : entryCount(view)),
  },
  { expression: /^rows$/, counted: (view) => view.outChannels },
  { expression: /^columns$/, counted: (view) => view.groups * view.inFeatures },
  {
    expression: /^block:(\d+)x(\d+)$/,
    counted: (view, _, [height, width]) => {
      const { rows, columns } = tileGrid(view, height!, width!);
      return rows * columns;
    },
  },
  { expression: /^blocks:(\d+)x(\d+)$/, counted: (view, _, [bk]) => Math.ceil(view.inFeatures / bk!) },
];

/**
 * The smallest number of entries by which a pattern lets a weight's zeros change: 1 for `unstructured` in a layer, the number
 * of out channels per row (each loses one), the entries of a tile, and for balanced blocks those of one block in every
 * block-column. Where blocks are ragged it is the mean over all of them, so the zeros are then as many as allotted on average.
 *
 * @param pattern resolved: an unstructured one without a group counts as one with `layer`. See `resolvePattern`
 * @throws {CoreError} `invalid-sparsity` when the pattern fixes its sparsity; `invalid-pattern` when it ranks the entries of
 *   all weights together, or is not known here
 */
export function sparsityStep(view: WeightView, pattern: Pattern): number {
  const { spec, group } = pattern;
  if (pattern.withSparsity === undefined) {
    const message = `the pattern ${spec} fixes its sparsity (${pattern.sparsity}): it takes no other, and only the allocation uniform`;
    throw new CoreError("invalid-sparsity", message, { weight: view.name });
  }
  if (group === "model") {
    const message = "the comparison group model divides the sparsity itself: allocate with the group layer or row";
    throw new CoreError("invalid-pattern", message, { weight: view.name });
  }
  for (const { expression, counted } of COUNTINGS) {
    const match = expression.exec(spec);
    if (match) return entryCount(view) / counted(view, pattern, match.slice(1).map(Number));
  }
  throw new CoreError("invalid-pattern", `it is not known by which steps the pattern ${spec} prunes`);
}
