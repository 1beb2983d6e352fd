import type { ElementBits } from "../elements.js";
import { sameBytes } from "../weight-pairs.js";
import { type BitTensor, type Kept, keptIndices, narrowedAxes, shareNear, widened } from "./widen.js";

/** Rounded numbers are all near what they were; of strangers half have the other sign. */
const LEAST_NEAR = 0.8;

/** Combinations of two axes that are tried; a model has some ten layers of one size. */
const MOST_CANDIDATES = 1000;

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
    this.#learn(original, told, axes);
    const kept = told ?? this.#likeliest(original, found, axes);
    const { dims } = original;
    return kept && widened({ bits: original.bits.slice().fill(0 as never), dims }, found, kept);
  }

  /** Biases and the like may have a number many times: what others told of the same channels goes first, if it fits. */
  #other(original: BitTensor, found: BitTensor, axes: readonly number[]): ElementBits | undefined {
    const place = (kept: readonly (Kept | undefined)[]): ElementBits =>
      widened({ ...original, bits: original.bits.slice() }, found, kept);
    for (const kept of this.#candidates(original, found, axes)) {
      const bits = place(kept);
      if (sameBytes(bytesOf(bits), bytesOf(original.bits))) return bits;
    }
    const told = keptIndices(original, found);
    this.#learn(original, told, axes);
    const kept = told ?? this.#likeliest(original, found, axes);
    return kept && place(kept);
  }

  /** Of what other tensors told, that under which most numbers are near: rounded ones are not in the original. */
  #likeliest(
    original: BitTensor,
    found: BitTensor,
    axes: readonly number[],
  ): readonly (Kept | undefined)[] | undefined {
    let best: readonly (Kept | undefined)[] | undefined;
    let most = LEAST_NEAR;
    for (const kept of this.#candidates(original, found, axes)) {
      const near = shareNear(original, found, kept);
      if (near > most) [best, most] = [kept, near];
    }
    return best;
  }

  /** Everything that is known of axes of such lengths, in all combinations. */
  #candidates(
    original: BitTensor,
    found: BitTensor,
    axes: readonly number[],
  ): readonly (readonly (Kept | undefined)[])[] {
    let combinations: (readonly (Kept | undefined)[])[] = [original.dims.map(() => undefined)];
    for (const axis of axes) {
      const lists = this.#lists(original.dims[axis]!, found.dims[axis]!);
      combinations = combinations.flatMap((one) => lists.map((list) => one.with(axis, list))).slice(0, MOST_CANDIDATES);
    }
    return combinations;
  }

  #lists(original: number, found: number): readonly Kept[] {
    return this.#known.get(`${original} ${found}`) ?? [];
  }

  #learn(original: BitTensor, told: readonly (Kept | undefined)[] | undefined, axes: readonly number[]): void {
    for (const axis of told === undefined ? [] : axes) {
      const kept = told![axis]!;
      const lists = this.#lists(original.dims[axis]!, kept.length);
      if (lists.some((list) => list.every((index, at) => index === kept[at]))) continue;
      this.#known.set(`${original.dims[axis]} ${kept.length}`, [...lists, kept]);
    }
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ElementBits): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
