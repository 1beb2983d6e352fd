import { type Model, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { type MaskPictures, maskPictures } from "./mask-picture.js";
import { type WeightHistogram, weightHistogram } from "./weight-histogram.js";

/** What happened to one weight between two models. */
export interface LayerChange {
  readonly name: string;
  readonly outChannels: number;
  readonly inFeatures: number;
  /** Fractions of zeros. */
  readonly zeros: { readonly before: number; readonly after: number };
  /** `‖W − W′‖ / ‖W‖` over all entries; Infinity where only `W` is all zeros. */
  readonly weightError: number;
  /** Of the largest weights only. */
  readonly pictures?: LayerPictures;
}

/** What a weight looks like. */
export interface LayerPictures {
  readonly masks: MaskPictures;
  readonly histogram: WeightHistogram;
}

/** What pruning did to the weights of a model. */
export interface LayerChanges {
  /** The weights whose values differ, in the pruned model's order. */
  readonly changed: readonly LayerChange[];
  /** How many weights both models have with the same values. */
  readonly unchanged: number;
  /** Names of weights of the original that the pruned model has in another shape or form, or no more. */
  readonly unmatched: readonly string[];
}

interface Pair {
  readonly original: PrunableWeight;
  readonly pruned: PrunableWeight;
}

/**
 * Compares the prunable weights of two models, read one at a time from each.
 *
 * @param pictured how many weights get pictures, the largest first
 * @throws {OnnxError} when a weight cannot be read
 */
export function layerChanges(original: Model, pruned: Model, pictured: number): LayerChanges {
  const originals = prunableOf(original);
  const pairs = pairsOf(originals, prunableOf(pruned));
  const largest = new Set([...pairs].sort((a, b) => entriesOf(b) - entriesOf(a)).slice(0, pictured));
  const changes = pairs.map((pair) => changeOf(pair, largest.has(pair)));
  const matched = new Set(pairs.map((pair) => pair.original));
  return {
    changed: changes.filter((change) => change !== undefined),
    unchanged: changes.filter((change) => change === undefined).length,
    unmatched: originals.filter((weight) => !matched.has(weight)).map(({ name }) => name),
  };
}

function prunableOf(model: Model): PrunableWeight[] {
  return prunableWeights(model).filter((weight) => weight.prunable);
}

/** Element types may differ: quantised values can be compared with what they were. */
function pairsOf(originals: readonly PrunableWeight[], pruned: readonly PrunableWeight[]): Pair[] {
  const byName = new Map(originals.map((weight) => [weight.name, weight]));
  return pruned.flatMap((weight) => {
    const original = byName.get(weight.name);
    return original && sameShape(original, weight) ? [{ original, pruned: weight }] : [];
  });
}

function sameShape(a: PrunableWeight, b: PrunableWeight): boolean {
  return a.shape.length === b.shape.length && a.shape.every((size, axis) => size === b.shape[axis]);
}

function entriesOf({ pruned }: Pair): number {
  return pruned.outChannels * pruned.inFeatures;
}

/** @returns undefined where no value differs */
function changeOf({ original, pruned }: Pair, pictured: boolean): LayerChange | undefined {
  const before = original.read();
  const after = pruned.read();
  const { difference, ...rest } = distances(before, after);
  if (difference === 0) return undefined;
  const { name, outChannels, inFeatures } = pruned;
  const pictures = pictured && { masks: maskPictures(pruned, after), histogram: weightHistogram(before, after) };
  return { name, outChannels, inFeatures, ...rest, ...(pictures && { pictures }) };
}

function distances(before: ArrayLike<number>, after: ArrayLike<number>) {
  const zeros = { before: 0, after: 0 };
  let [difference, size] = [0, 0];
  for (let index = 0; index < before.length; index++) {
    const [was, is] = [before[index]!, after[index]!];
    if (was === 0) zeros.before++;
    if (is === 0) zeros.after++;
    difference += (was - is) ** 2;
    size += was ** 2;
  }
  const shares = { before: zeros.before / before.length, after: zeros.after / before.length };
  return { difference, zeros: shares, weightError: Math.sqrt(difference / size) };
}
