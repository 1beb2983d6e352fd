import type { ElementBits } from "../elements.js";

/** Which of the original's indices along one axis are left, ascending. */
export type Kept = readonly number[];

/** A tensor as its bit patterns, row-major. */
export interface BitTensor {
  readonly bits: ElementBits;
  readonly dims: readonly number[];
}

/** Entries of a slice whose place is looked for; a few agree where one may be there twice. */
const SAMPLES = 16;

/**
 * Which indices of a tensor are left in one with fewer along some axes, seen from the numbers themselves: each that is not
 * zero, and is in the original once, says where its slice was. Slices of zeros are taken to follow the one before.
 *
 * @returns for each axis; undefined where that cannot be told: other ranks, more indices than before, slices that hold no number
 *   of the original, or that do not ascend
 */
export function keptIndices(original: BitTensor, found: BitTensor): readonly (Kept | undefined)[] | undefined {
  const axes = narrowedAxes(original.dims, found.dims);
  if (axes === undefined) return undefined;
  const samples = sampled(found, axes);
  const votes = placesOf(original, samples);
  const told = (axis: number) => votes.get(axis) ?? new Map<number, number>();
  if ([...samples.values()].flat().some(({ axis, slice }) => !told(axis).has(slice))) return undefined;
  const kept = found.dims.map((size, axis) =>
    axes.includes(axis) ? ascending(told(axis), size, original.dims[axis]!) : undefined,
  );
  return axes.every((axis) => kept[axis] !== undefined) ? kept : undefined;
}

/** The axes along which a tensor has fewer indices than another one; undefined where it is no smaller one of its rank. */
export function narrowedAxes(original: readonly number[], found: readonly number[]): readonly number[] | undefined {
  if (original.length !== found.length || found.some((size, axis) => size > original[axis]!)) return undefined;
  const axes = [...original.keys()].filter((axis) => found[axis]! < original[axis]!);
  return axes.length > 0 ? axes : undefined;
}

/**
 * A tensor at the size of its original: its entries at the kept indices, all others as `background` says.
 *
 * @param background of the original's size; overwritten
 */
export function widened(background: BitTensor, found: BitTensor, kept: readonly (Kept | undefined)[]): ElementBits {
  const { bits } = background;
  forEachPlace(found.dims, (index, place) => {
    bits[flat(place, background.dims, kept)] = found.bits[index]!;
  });
  return bits;
}

/** Entries that are looked at to tell how near two tensors are. */
const COMPARED = 4096;

/**
 * The share of a tensor's numbers that are near the original's at the kept indices, all of them or some thousand: of the same
 * sign, and of about the same size.
 */
export function shareNear(original: BitTensor, found: BitTensor, kept: readonly (Kept | undefined)[]): number {
  const step = Math.max(1, Math.floor(found.bits.length / COMPARED));
  let near = 0;
  let compared = 0;
  for (let index = 0; index < found.bits.length; index += step) {
    if (Number(found.bits[index]) === 0) continue;
    compared++;
    const was = original.bits[flat(unravel(index, found.dims), original.dims, kept)]!;
    if (Math.abs(highBits(was) - highBits(found.bits[index]!)) <= 1) near++;
  }
  return compared === 0 ? 1 : near / compared;

  /** Sign and exponent of a float, as a number that steps where the float doubles. */
  function highBits(pattern: number | bigint): number {
    const width = 8 * found.bits.BYTES_PER_ELEMENT;
    return Math.floor(Number(pattern) / 2 ** (width - (width === 64 ? 12 : width === 32 ? 9 : 6)));
  }
}

interface Sample {
  readonly axis: number;
  readonly slice: number;
}

/** Bit patterns that are looked for in the original, and the slices of the found tensor that hold them. */
function sampled({ bits, dims }: BitTensor, axes: readonly number[]): Map<number | bigint, Sample[]> {
  const samples = new Map<number | bigint, Sample[]>();
  const counts = dims.map((size) => new Uint8Array(size));
  forEachPlace(dims, (index, place) => {
    if (Number(bits[index]) === 0) return;
    for (const axis of axes) {
      const slice = place[axis]!;
      if (counts[axis]![slice]! >= SAMPLES) continue;
      counts[axis]![slice]!++;
      const others = samples.get(bits[index]!);
      if (others === undefined) samples.set(bits[index]!, [{ axis, slice }]);
      else others.push({ axis, slice });
    }
  });
  return samples;
}

type Votes = ReadonlyMap<number, ReadonlyMap<number, number>>;

/** Axis → slice → the index that most of its samples have in the original. */
function placesOf({ bits, dims }: BitTensor, samples: ReadonlyMap<number | bigint, readonly Sample[]>): Votes {
  const seen = new Map<number | bigint, number>();
  for (let index = 0; index < bits.length; index++) {
    const pattern = bits[index]!;
    if (samples.has(pattern)) seen.set(pattern, seen.has(pattern) ? -1 : index);
  }
  const counts = new Map<string, number>();
  const votes = new Map<number, Map<number, number>>();
  for (const [pattern, index] of seen) {
    if (index < 0) continue;
    const place = unravel(index, dims);
    for (const { axis, slice } of samples.get(pattern)!) {
      const at = place[axis]!;
      const count = (counts.get(`${axis} ${slice} ${at}`) ?? 0) + 1;
      counts.set(`${axis} ${slice} ${at}`, count);
      const slices = votes.get(axis) ?? new Map<number, number>();
      votes.set(axis, slices);
      const best = slices.get(slice);
      if (best === undefined || count > (counts.get(`${axis} ${slice} ${best}`) ?? 0)) slices.set(slice, at);
    }
  }
  return votes;
}

/** The indices of all slices; undefined where known ones do not ascend or leave no room. */
function ascending(known: ReadonlyMap<number, number>, size: number, limit: number): Kept | undefined {
  const kept: number[] = [];
  for (let slice = 0; slice < size; slice++) {
    const before = kept.at(-1) ?? -1;
    const index = known.get(slice) ?? before + 1;
    if (index <= before) return undefined;
    kept.push(index);
  }
  return (kept.at(-1) ?? -1) < limit ? kept : undefined;
}

function forEachPlace(dims: readonly number[], visit: (index: number, place: readonly number[]) => void): void {
  const count = dims.reduce((product, size) => product * size, 1);
  const place = dims.map(() => 0);
  for (let index = 0; index < count; index++) {
    visit(index, place);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      place[axis]!++;
      if (place[axis]! < dims[axis]!) break;
      place[axis] = 0;
    }
  }
}

function flat(place: readonly number[], dims: readonly number[], kept: readonly (Kept | undefined)[]): number {
  let index = 0;
  for (let axis = 0; axis < dims.length; axis++) {
    index = index * dims[axis]! + (kept[axis]?.[place[axis]!] ?? place[axis]!);
  }
  return index;
}

function unravel(index: number, dims: readonly number[]): number[] {
  let rest = index;
  const place = dims.map(() => 0);
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    place[axis] = rest % dims[axis]!;
    rest = Math.floor(rest / dims[axis]!);
  }
  return place;
}
