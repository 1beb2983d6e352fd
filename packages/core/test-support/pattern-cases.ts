import {
  balancedBlocks,
  block,
  type ComparisonGroup,
  columns,
  nm,
  type Pattern,
  rows,
  unstructured,
  type WeightView,
} from "@espalier/core";
import { percentOf, type ReferencePattern } from "./reference.js";

/** A pattern as the package builds it, and the same in plain words. */
export interface PatternCase {
  readonly name: string;
  /** Input channels must be a multiple of this. */
  readonly channelMultiple?: number;
  /** Whether one weight alone says nothing about it. */
  readonly acrossWeights?: boolean;
  readonly needsAxes: boolean;
  build(percent: number): Pattern;
  reference(percent: number): ReferencePattern;
}

function unstructuredCase(group: ComparisonGroup): PatternCase {
  return {
    name: `unstructured by ${group}`,
    acrossWeights: group === "model",
    needsAxes: group === "row",
    build: (percent) => unstructured(percent / 100, { group }),
    reference: (percent) => ({
      unit: (view, { out }, index) => ({
        group: { layer: view.name, row: `${view.name} ${out}`, model: "" }[group],
        unit: `${index}`,
      }),
      count: (units) => percentOf(units, percent),
    }),
  };
}

function nmCase(n: number, m: number): PatternCase {
  return {
    name: `${n}:${m}`,
    channelMultiple: m,
    needsAxes: true,
    build: () => nm(n, m),
    reference: () => ({
      unit: (view, { out, channel, kernel }, index) => ({
        group: `${view.name} ${out} ${kernel} ${Math.floor(channel / m)}`,
        unit: `${index}`,
      }),
      count: () => m - n,
    }),
  };
}

/** Tiles of `height` × `width` within each group of out channels; `balanced`: each row of tiles competes by itself. */
function tileCase(
  name: string,
  build: (sparsity: number) => Pattern,
  size: (view: WeightView) => { height: number; width: number },
  balanced = false,
): PatternCase {
  const tile: ReferencePattern["unit"] = (view, { out, feature }) => {
    const { height, width } = size(view);
    const perGroup = view.outChannels / view.groups;
    const row = `${Math.floor(out / perGroup)}.${Math.floor((out % perGroup) / height)}`;
    return { group: balanced ? `${view.name} ${row}` : view.name, unit: `${row} ${Math.floor(feature / width)}` };
  };
  return {
    name,
    needsAxes: true,
    build: (percent) => build(percent / 100),
    reference: (percent) => ({
      unit: tile,
      count: (units) => percentOf(units, percent),
      order: (view, { out, feature }) => {
        // Row-major order of tiles: no tile of a later row has an entry in an earlier channel.
        const { height, width } = size(view);
        const perGroup = view.outChannels / view.groups;
        const row = Math.floor(out / perGroup) * perGroup + Math.floor((out % perGroup) / height);
        return row * 10_000 + Math.floor(feature / width);
      },
    }),
  };
}

/** Every pattern; a new one is added here. */
export const PATTERN_CASES: readonly PatternCase[] = [
  unstructuredCase("layer"),
  unstructuredCase("row"),
  unstructuredCase("model"),
  nmCase(2, 4),
  nmCase(1, 4),
  nmCase(3, 5),
  tileCase(
    "block:2x3",
    (sparsity) => block(2, 3, sparsity),
    () => ({ height: 2, width: 3 }),
  ),
  tileCase(
    "blocks:3x2",
    (sparsity) => balancedBlocks(3, 2, sparsity),
    () => ({ height: 2, width: 3 }),
    true,
  ),
  tileCase("rows", rows, (view) => ({ height: 1, width: view.inFeatures })),
  tileCase("columns", columns, (view) => ({ height: view.outChannels / view.groups, width: 1 })),
];
