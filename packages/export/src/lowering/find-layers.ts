import { PRUNING_RECORD_KEY, parsePruningRecord } from "@espalier/core";
import { type Model, metadata, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { type BlockLayout, blockLayout } from "./block-layout.js";
import { declaredRows, findSites } from "./find-sites.js";
import type { GraphIndex } from "./graph-index.js";
import type { BlockLayer, BlockSize, LoweredForm } from "./layer.js";
import type { ResolvedOptions } from "./options.js";
import type { Site } from "./sites.js";
import type { WeightReader } from "./weight-values.js";

/** A prunable weight: what could be lowered of it, or why nothing. */
export type FoundWeight = { readonly weight: PrunableWeight; readonly blocks?: BlockSize } & (
  | { readonly layer: BlockLayer; readonly layout: BlockLayout; readonly sites: readonly Site[] }
  | { readonly layer?: undefined; readonly layout?: undefined; readonly sites?: undefined; readonly reason: string }
);

/**
 * Every prunable weight of a model with its blocks. Reads one weight at a time.
 *
 * @throws {OnnxError} when a weight cannot be read
 */
export function* findLayers(index: GraphIndex, reader: WeightReader, options: ResolvedOptions): Generator<FoundWeight> {
  const { model } = index;
  const recorded = recordedBlocks(model);
  for (const weight of prunableWeights(model)) {
    if (!weight.prunable) continue;
    const blocks = options.blocks ?? recorded.get(weight.name);
    if (blocks === undefined) {
      yield { weight, reason: "it was not pruned in balanced blocks: none are recorded for it, and none were given" };
      continue;
    }
    const sites = findSites(weight, index);
    if (typeof sites === "string") yield { weight, blocks, reason: sites };
    else yield layerOf({ weight, blocks, sites }, index, reader, options);
  }
}

function layerOf(
  { weight, blocks, sites }: { weight: PrunableWeight; blocks: BlockSize; sites: readonly Site[] },
  index: GraphIndex,
  reader: WeightReader,
  options: ResolvedOptions,
): FoundWeight {
  const { outChannels, inFeatures } = weight;
  const [site] = sites;
  const positions = site?.kind === "conv" ? site.kernel.reduce((product, size) => product * size, 1) : 1;
  const unit = site?.kind === "conv" ? positions : productUnit(inFeatures, blocks.bk);
  const { values, offsets } = reader.read(weight);
  const layout = blockLayout(values, offsets, { outChannels, inFeatures, bn: blocks.bn, unit });
  const { runs, density } = layout;
  const forms = formsOf(layout, sites);
  // Quantising a convolution's input is another operator with another error: it stays in f32.
  const quantized = options.values === "int8" && site?.kind === "product";
  if (quantized && !layout.finite) return { weight, blocks, reason: "it has entries that are not finite" };
  const layer: BlockLayer = {
    weight: weight.name,
    blocks,
    op: site?.kind ?? "product",
    outChannels,
    inFeatures,
    positions,
    unit: unit / positions,
    width: Math.min(...runs.slice(0, Math.max(1, runs.length - 1)).map((run) => run.width)),
    runs: runs.length,
    density,
    rows: options.rows ?? smallest(sites.map((one) => declaredRows(one, index))),
    target: options.target,
    values: quantized ? "int8" : "f32",
    forms,
  };
  return { weight, blocks, layer, layout, sites };
}

/**
 * In-features that are gathered together: a block, or where the last block is cut off, the largest part of a block that
 * divides the features evenly, so that inputs need no padding. Parts of fewer than 16 are too slow to gather.
 */
function productUnit(inFeatures: number, bk: number): number {
  const size = Math.min(bk, inFeatures);
  const even = greatestDivisor(inFeatures, size);
  return even >= 16 ? even : size;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

function formsOf({ runs }: BlockLayout, sites: readonly Site[]): readonly LoweredForm[] {
  if (runs.length === 1) return ["shared"];
  return sites.some(({ kind }) => kind === "conv") ? ["multi"] : ["multi", "bmm"];
}

function smallest(numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** The block size that the last pruning of each weight had, where that was one in balanced blocks. */
function recordedBlocks(model: Model): ReadonlyMap<string, BlockSize> {
  const text = metadata(model).get(PRUNING_RECORD_KEY);
  const parsed = text === undefined ? undefined : parsePruningRecord(text);
  const sizes = new Map<string, BlockSize>();
  for (const { pattern, weights } of parsed?.ok ? parsed.record.steps : []) {
    const size = blockSizeOf(pattern);
    for (const name of weights) {
      if (size === undefined) sizes.delete(name);
      else sizes.set(name, size);
    }
  }
  return sizes;
}

/** `blocks:32x256` → its sizes; undefined for other patterns. */
function blockSizeOf(spec: string): BlockSize | undefined {
  const [, bk, bn] = /^blocks:(\d{1,9})x(\d{1,9})$/.exec(spec) ?? [];
  if (bk === undefined || bn === undefined || Number(bk) === 0 || Number(bn) === 0) return undefined;
  return { bk: Number(bk), bn: Number(bn) };
}
