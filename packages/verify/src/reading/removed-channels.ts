import type { ElementBits } from "../elements.js";
import { sameBytes } from "../weight-pairs.js";
import { type BitTensor, type Kept, keptIndices, narrowedAxes, shareNear, widened } from "./widen.js";

/** Rounded numbers are all near what they were; of strangers half have the other sign. */
const LEAST_NEAR = 0.8;

/** Combinations of two axes that are tried; a model has some ten layers of one size. */
const MOST_CANDIDATES = 1000;

/** A tensor of the judged model that may have lost channels. */
export interface SmallerTensor {
  readonly name: string;
  readonly original: BitTensor;
  readonly found: BitTensor;
  readonly isWeight: boolean;
  /** Other tensors that have the same channels, if any has been restored. */
  readonly neighbours: readonly string[];
}

/** For each axis what is left of it; undefined where all is. */
type KeptAxes = readonly (Kept | undefined)[];

/** Which channels are left where some were removed, as far as tensors told. */
export class RemovedChannels {
  /** Original and present length of an axis → lists of that kind. */
  readonly #known = new Map<string, readonly Kept[]>();
  readonly #byName = new Map<string, { readonly dims: readonly number[]; readonly kept: KeptAxes }>();

  /**
   * A smaller tensor at the size of its original, where the numbers tell which channels are left. Those that are gone are zeros
   * of a weight: what read them read zeros. In other tensors they are as they were, since there is nothing to compare.
   *
   * @returns undefined where it is no smaller one, or which channels are left cannot be told
   */
  restore(tensor: SmallerTensor): ElementBits | undefined {
    const { name, original, found } = tensor;
    const axes = narrowedAxes(original.dims, found.dims);
    if (axes === undefined) return undefined;
    const kept = this.#fitting(tensor, axes) ?? this.#told(tensor, axes) ?? this.#likeliest(tensor, axes);
    if (kept === undefined) return undefined;
    this.#byName.set(name, { dims: original.dims, kept });
    return placed(tensor, kept);
  }

  /** Biases and the like may have a number many times: what others told goes first where all numbers fit. */
  #fitting(tensor: SmallerTensor, axes: readonly number[]): KeptAxes | undefined {
    if (tensor.isWeight) return undefined;
    const whole = bytesOf(tensor.original.bits);
    return this.#candidates(tensor, axes).find((kept) => sameBytes(bytesOf(placed(tensor, kept)), whole));
  }

  /** What the numbers of the tensor itself tell. */
  #told({ original, found }: SmallerTensor, axes: readonly number[]): KeptAxes | undefined {
    const told = keptIndices(original, found);
    for (const axis of told === undefined ? [] : axes) {
      const kept = told![axis]!;
      const lists = this.#lists(original.dims[axis]!, kept.length);
      if (lists.some((list) => sameList(list, kept))) continue;
      this.#known.set(`${original.dims[axis]} ${kept.length}`, [...lists, kept]);
    }
    return told;
  }

  /** Numbers that changed are in the original no more: what a neighbour told, or that under which most numbers are near. */
  #likeliest(tensor: SmallerTensor, axes: readonly number[]): KeptAxes | undefined {
    const { original, found, isWeight } = tensor;
    const near = this.#neighbouring(tensor, axes);
    if (!isWeight && near !== undefined) return near;
    let best: KeptAxes | undefined;
    let most = LEAST_NEAR;
    for (const kept of this.#candidates(tensor, axes)) {
      const share = shareNear(original, found, kept);
      if (share > most) [best, most] = [kept, share];
    }
    return best;
  }

  #neighbouring({ original, found, neighbours }: SmallerTensor, axes: readonly number[]): KeptAxes | undefined {
    const lists = neighbours.flatMap((name) => {
      const { dims, kept } = this.#byName.get(name) ?? { dims: [], kept: [] };
      return kept.filter((list, axis) => list !== undefined && dims[axis] === original.dims[axes[0]!]);
    });
    const [list] = lists.filter((one) => one?.length === found.dims[axes[0]!]);
    return axes.length === 1 && list
      ? original.dims.map((_, axis) => (axis === axes[0] ? list : undefined))
      : undefined;
  }

  /** Everything that is known of axes of such lengths, in all combinations. */
  #candidates({ original, found }: SmallerTensor, axes: readonly number[]): readonly KeptAxes[] {
    let combinations: KeptAxes[] = [original.dims.map(() => undefined)];
    for (const axis of axes) {
      const lists = this.#lists(original.dims[axis]!, found.dims[axis]!);
      combinations = combinations.flatMap((one) => lists.map((list) => one.with(axis, list))).slice(0, MOST_CANDIDATES);
    }
    return combinations;
  }

  #lists(original: number, found: number): readonly Kept[] {
    return this.#known.get(`${original} ${found}`) ?? [];
  }
}

function placed({ original: { bits, dims }, found, isWeight }: SmallerTensor, kept: KeptAxes): ElementBits {
  const background = isWeight ? bits.slice().fill(0 as never) : bits.slice();
  return widened({ bits: background, dims }, found, kept);
}

function sameList(a: Kept, b: Kept): boolean {
  return a.every((index, at) => index === b[at]);
}

function bytesOf({ buffer, byteOffset, byteLength }: ElementBits): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
