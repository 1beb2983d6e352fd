import { forEachEntry } from "../layout/for-each-entry.js";
import { Mask } from "../mask/mask.js";
import type { WeightMask } from "../mask/weight-mask.js";
import { prunedCount } from "../pruned-count.js";
import type { WeightView } from "../weight-view.js";
import { axisConflictReason } from "./axis-conflict.js";
import { brokenTile } from "./broken-tile.js";
import type { Pattern } from "./pattern.js";
import { pruneSmallestScores } from "./prune-smallest-scores.js";
import { type TileGrid, tileGrid } from "./tile-grid.js";

/** What tells one pattern of whole tiles from another. */
export interface TileRules {
  readonly spec: string;
  readonly sparsity: number;
  /** What a tile is called in messages. */
  readonly noun: "block" | "row" | "column";
  /** Out channels of a tile. */
  height(view: WeightView): number;
  /** In-features of a tile. */
  width(view: WeightView): number;
  /** Whether every row of tiles loses the same number, or the weight as a whole. */
  readonly balanced: boolean;
  withSparsity(sparsity: number): Pattern;
}

/**
 * A pattern that prunes whole tiles of the matrix: those with the smallest sum of importance, taken in f64; among equals
 * the tile with the lower out channel, then the lower in-feature goes.
 *
 * A weight conforms when enough tiles are zero throughout. Of a mask, every other tile must be kept throughout; values may
 * have zeros of their own there.
 */
export function tilePattern(rules: TileRules): Pattern {
  return {
    spec: rules.spec,
    sparsity: rules.sparsity,
    eligibility: axisConflictReason,
    select: (views, importanceOf) => views.map((view) => selectOne(view, importanceOf(view), rules)),
    violation(view, zeros, evidence) {
      const conflict = axisConflictReason(view);
      return conflict === undefined
        ? brokenTile(view, zeros, evidence, gridOf(view, rules), rules)
        : { message: conflict };
    },
    withSparsity: rules.withSparsity,
  };
}

function gridOf(view: WeightView, rules: TileRules): TileGrid {
  return tileGrid(view, rules.height(view), rules.width(view));
}

function selectOne(view: WeightView, importance: Float32Array, rules: TileRules): WeightMask {
  const grid = gridOf(view, rules);
  const scores = tileScores(view, importance, grid);
  const pruned = new Uint8Array(scores.length);
  const run = rules.balanced ? grid.columns : scores.length;
  const count = prunedCount(run, rules.sparsity);
  for (let start = 0; start < scores.length; start += run) {
    pruneSmallestScores(scores.subarray(start, start + run), count, pruned.subarray(start, start + run));
  }
  return { mask: maskOfTiles(view, grid, pruned), raggedBlocks: grid.ragged };
}

function tileScores(view: WeightView, importance: Float32Array, grid: TileGrid): Float64Array {
  const scores = new Float64Array(grid.rows * grid.columns);
  forEachEntry(view, (index, outChannel, inFeature) => {
    scores[grid.rowOf[outChannel]! * grid.columns + grid.columnOf[inFeature]!]! += importance[index]!;
  });
  return scores;
}

function maskOfTiles(view: WeightView, grid: TileGrid, pruned: Uint8Array): Mask {
  const length = view.outChannels * view.inFeatures;
  const bits = new Uint8Array(Math.ceil(length / 8));
  forEachEntry(view, (index, outChannel, inFeature) => {
    const tile = grid.rowOf[outChannel]! * grid.columns + grid.columnOf[inFeature]!;
    if (pruned[tile] === 0) bits[index >>> 3]! |= 1 << (index & 7);
  });
  return Mask.adopt(length, bits);
}
