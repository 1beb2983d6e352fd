import { type Model, type PrunableWeight, prunableWeights, type TensorProto, tensorByteLength } from "@espalier/onnx";
import type { Reading, ReadTensor } from "@espalier/verify";
import { weightError } from "../weight-error.js";
import { type MaskPictures, maskPictures } from "./mask-picture.js";
import { type WeightHistogram, weightHistogram } from "./weight-histogram.js";

/** What happened to one weight between two models. */
export interface LayerChange {
  readonly name: string;
  readonly outChannels: number;
  readonly inFeatures: number;
  /** Fractions of zeros. */
  readonly zeros: { readonly before: number; readonly after: number };
  /** `‖W − W′‖ / ‖W‖` over all entries; 1 where only `W` is all zeros. */
  readonly weightError: number;
  readonly stored: StoredWeight;
  /** Of the largest weights only. */
  readonly pictures?: LayerPictures;
}

/** How the pruned model stores a weight. */
export interface StoredWeight {
  /**
   * `dense`: as it is. `decoded`: constants compute it. `lowered`: other operators stand in its place. `narrowed`: channels are gone.
   * `moved`: it stood in a `Constant` node and is an initializer.
   */
  readonly how: "dense" | ReadTensor["how"];
  /** Of its tensors; what several weights are computed from, such as a table, counts for the first. */
  readonly bytes: number;
  /** Of the original's tensor. */
  readonly bytesBefore: number;
}

/** What a weight looks like. */
export interface LayerPictures {
  readonly masks: MaskPictures;
  readonly histogram: WeightHistogram;
}

/** What pruning did to the weights of a model. */
export interface LayerChanges {
  /** The weights whose values differ, in the original's order. */
  readonly changed: readonly LayerChange[];
  /** How many weights both models have with the same values. */
  readonly unchanged: number;
  /** Names of weights of the original that cannot be found in the pruned model, or have another shape there. */
  readonly unmatched: readonly string[];
}

interface Pair {
  readonly original: PrunableWeight;
  readonly pruned: PrunableWeight;
  readonly stored: StoredWeight;
}

/**
 * Compares the prunable weights of two models, one at a time from each.
 *
 * @param reading the pruned model, as `readJudged` reads it
 * @param pictured how many weights get pictures, the largest first
 * @throws {OnnxError} when a weight cannot be read
 */
export function layerChanges(original: Model, reading: Reading, pictured: number): LayerChanges {
  const originals = prunableOf(original);
  const pairs = pairsOf(originals, reading);
  const largest = new Set([...pairs].sort((a, b) => entriesOf(b) - entriesOf(a)).slice(0, pictured));
  // One buffer for each side serves all weights.
  const bytes = Float32Array.BYTES_PER_ELEMENT * Math.max(0, ...pairs.map(entriesOf));
  const room = { before: new ArrayBuffer(bytes), after: new ArrayBuffer(bytes) };
  const changes = pairs.map((pair) => changeOf(pair, room, largest.has(pair)));
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
function pairsOf(originals: readonly PrunableWeight[], { model, tensors }: Reading): Pair[] {
  const byName = new Map(prunableOf(model).map((weight) => [weight.name, weight]));
  const counted = new Set<TensorProto>();
  return originals.flatMap((original) => {
    const pruned = byName.get(original.name);
    if (pruned === undefined || !sameShape(original, pruned)) return [];
    return [{ original, pruned, stored: storedAs(original, pruned, tensors.get(original.name), counted) }];
  });
}

/** @param counted tensors of weights before this one; its own are added */
function storedAs(
  original: PrunableWeight,
  pruned: PrunableWeight,
  read: ReadTensor | undefined,
  counted: Set<TensorProto>,
): StoredWeight {
  const tensors = (read?.constants ?? [pruned.tensor]).filter((tensor) => !counted.has(tensor));
  for (const tensor of tensors) counted.add(tensor);
  return {
    how: read?.how ?? "dense",
    bytes: tensors.reduce((sum, tensor) => sum + tensorByteLength(tensor), 0),
    bytesBefore: tensorByteLength(original.tensor),
  };
}

function sameShape(a: PrunableWeight, b: PrunableWeight): boolean {
  return a.shape.length === b.shape.length && a.shape.every((size, axis) => size === b.shape[axis]);
}

function entriesOf({ pruned }: Pair): number {
  return pruned.outChannels * pruned.inFeatures;
}

/** @returns undefined where no value differs */
function changeOf(
  { original, pruned, stored }: Pair,
  room: { readonly before: ArrayBuffer; readonly after: ArrayBuffer },
  pictured: boolean,
): LayerChange | undefined {
  const before = original.read(room.before);
  const after = pruned.read(room.after);
  const error = weightError(before, after);
  if (error === 0) return undefined;
  const { name, outChannels, inFeatures } = pruned;
  const pictures = pictured && { masks: maskPictures(pruned, after), histogram: weightHistogram(before, after) };
  const zeros = { before: zerosIn(before), after: zerosIn(after) };
  return { name, outChannels, inFeatures, zeros, weightError: error, stored, ...(pictures && { pictures }) };
}

/** Fraction of zeros. */
function zerosIn(values: ArrayLike<number>): number {
  let zeros = 0;
  for (let index = 0; index < values.length; index++) if (values[index] === 0) zeros++;
  return zeros / values.length;
}
