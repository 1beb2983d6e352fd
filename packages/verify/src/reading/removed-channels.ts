import type { ElementBits } from "../elements.js";
import { sameBytes } from "../weight-pairs.js";
import { type BitTensor, type Kept, keptIndices, narrowedAxes, widened } from "./widen.js";

/** Which channels are left where some were removed: for axes of so many indices what tensors told so far. */
export class RemovedChannels {
  readonly #known = new Map<string, readonly Kept[]>();

  /**
   * A smaller tensor at the size of its original, where the numbers tell which channels are left. Those that are gone are zeros
   * of a weight: what read them read zeros. In other tensors they are as they were, since there is nothing to compare.
   *
   * @returns undefined where it is no smaller one, or which channels are left cannot be told
   */
  restore(original: BitTensor, found: BitTensor, isWeight: boolean): ElementBits | undefined {
    const axes = narrowedAxes(original.dims, found.dims);
    if (axes === undefined) return undefined;
    return isWeight ? this.#weight(original, found, axes) : this.#other(original, found, axes);
  }

  #weight(original: BitTensor, found: BitTensor, axes: readonly number[]): ElementBits | undefined {
    const told = keptIndices(original, found);
    for (const axis of told === undefined ? [] : axes) this.#learn(original.dims[axis]!, told![axis]!);
    const kept = told ?? this.#onlyKnown(original, found, axes);
    const { dims } = original;
    return kept && widened({ bits: original.bits.slice().fill(0 as never), dims }, found, kept);
  }

  /** Biases and the like may have a number many times: what weights told of the same channels goes first. */
  #other(original: BitTensor, found: BitTensor, axes: readonly number[]): ElementBits | undefined {
    const place = (kept: readonly (Kept | undefined)[]): ElementBits =>
      widened({ ...original, bits: original.bits.slice() }, found, kept);
    const [axis] = axes;
    const lists = axes.length === 1 ? this.#lists(original.dims[axis!]!, found.dims[axis!]!) : [];
    const placed = lists.map((list) => place(original.dims.map((_, at) => (at === axis ? list : undefined))));
    const fitting = placed.find((bits) => sameBytes(bytesOf(bits), bytesOf(original.bits)));
    if (fitting !== undefined || placed.length === 1) return fitting ?? placed[0];
    const told = keptIndices(original, found);
    for (const one of told === undefined ? [] : axes) this.#learn(original.dims[one]!, told![one]!);
    return told && place(told);
  }

  #onlyKnown(original: BitTensor, found: BitTensor, axes: readonly number[]): (Kept | undefined)[] | undefined {
    const kept = original.dims.map((size, axis) => {
      const lists = axes.includes(axis) ? this.#lists(size, found.dims[axis]!) : [];
      return lists.length === 1 ? lists[0] : undefined;
    });
    return axes.every((axis) => kept[axis] !== undefined) ? kept : undefined;
  }

  #lists(original: number, found: number): readonly Kept[] {
    return this.#known.get(`${original} ${found}`) ?? [];
  }

  #learn(original: number, kept: Kept): void {
    const lists = this.#lists(original, kept.length);
    if (lists.some((list) => list.every((index, at) => index === kept[at]))) return;
    this.#known.set(`${original} ${kept.length}`, [...lists, kept]);
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ElementBits): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
