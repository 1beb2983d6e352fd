import { forEachEntry } from "../layout/for-each-entry.js";
import { describeLocation, type EntryLocation, locate } from "../layout/locate.js";
import type { Mask } from "../mask/mask.js";
import { prunedCount } from "../pruned-count.js";
import type { WeightView } from "../weight-view.js";
import type { Evidence, Violation } from "./pattern.js";
import { describeTile, type TileGrid } from "./tile-grid.js";
import type { TileRules } from "./tile-pattern.js";

/** What the entries of each tile are. */
interface TileCensus {
  /** Kept entries. */
  readonly kept: Float64Array;
  /** Pruned entries. */
  readonly zero: Float64Array;
  /** Lowest buffer index of a kept entry. */
  readonly firstKept: Float64Array;
}

/** The first tile that breaks a pattern of whole tiles. */
export function brokenTile(
  view: WeightView,
  zeros: Mask,
  evidence: Evidence,
  grid: TileGrid,
  rules: TileRules,
): Violation | undefined {
  const census = takeCensus(view, zeros, grid);
  const mixed = evidence === "mask" ? census.kept.findIndex((kept, tile) => kept > 0 && census.zero[tile]! > 0) : -1;
  if (mixed >= 0) {
    const counts = `${census.zero[mixed]} of ${census.zero[mixed]! + census.kept[mixed]!} entries pruned, expected all or none`;
    return violationAt(view, census, mixed, `the ${rules.noun} of ${describeTile(grid, mixed)} has ${counts}`);
  }
  return tooFewZeroTiles(view, census, grid, rules);
}

function takeCensus(view: WeightView, zeros: Mask, grid: TileGrid): TileCensus {
  const tiles = grid.rows * grid.columns;
  const kept = new Float64Array(tiles);
  const zero = new Float64Array(tiles);
  const firstKept = new Float64Array(tiles).fill(Number.POSITIVE_INFINITY);
  forEachEntry(view, (index, outChannel, inFeature) => {
    const tile = grid.rowOf[outChannel]! * grid.columns + grid.columnOf[inFeature]!;
    if (zeros.keeps(index)) {
      kept[tile]!++;
      firstKept[tile] = Math.min(firstKept[tile]!, index);
    } else zero[tile]!++;
  });
  return { kept, zero, firstKept };
}

function tooFewZeroTiles(
  view: WeightView,
  census: TileCensus,
  grid: TileGrid,
  rules: TileRules,
): Violation | undefined {
  const run = rules.balanced ? grid.columns : census.kept.length;
  const expected = prunedCount(run, rules.sparsity);
  for (let start = 0; start < census.kept.length; start += run) {
    const kept = census.kept.subarray(start, start + run);
    const found = kept.reduce((count, entries) => count + (entries === 0 ? 1 : 0), 0);
    if (found >= expected) continue;
    const tile = start + kept.findIndex((entries) => entries > 0);
    const where = rules.balanced ? ` from out channel ${grid.rowOf.indexOf(start / run)} on` : "";
    const counts = `${found} of ${run} ${rules.noun}s${where} are zero throughout, ${rules.spec} at sparsity ${rules.sparsity} asks for ${expected}`;
    return violationAt(view, census, tile, `${counts}; the first that is not: ${describeTile(grid, tile)}`);
  }
  return undefined;
}

function violationAt(view: WeightView, census: TileCensus, tile: number, text: string): Violation {
  const location: EntryLocation = locate(view, census.firstKept[tile]!);
  return { message: `${text} (kept: ${describeLocation(location)})`, ...location };
}
