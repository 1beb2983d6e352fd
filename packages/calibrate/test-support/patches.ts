/** A tensor of float64, row-major. */
export interface Grid {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What the features of one group see: one list of inFeatures numbers for each position. */
export type Patches = readonly (readonly number[])[];

/** How the kernel of a convolution moves; pads are those at the beginnings, then those at the ends. */
export interface Geometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly group: number;
}

/** Every index into a tensor of these sizes, in row-major order. */
export function* indices(sizes: readonly number[]): Generator<readonly number[]> {
  if (sizes.length === 0) {
    yield [];
    return;
  }
  for (let index = 0; index < sizes[0]!; index++) for (const rest of indices(sizes.slice(1))) yield [index, ...rest];
}

/** The entry at an index, 0 outside. */
export function at({ dims, data }: Grid, index: readonly number[]): number {
  let position = 0;
  for (const [axis, size] of dims.entries()) {
    const step = index[axis]!;
    if (step < 0 || step >= size) return 0;
    position = position * size + step;
  }
  return Number(data[position]);
}

/** Patches of a Conv, group by group: features are (channel of the group, position of the kernel), the position fastest. */
export function convPatches(
  x: Grid,
  geometry: Geometry,
): { readonly groups: readonly Patches[]; readonly sizes: readonly number[] } {
  const { kernel, strides, dilations, pads, group } = geometry;
  const [batch, channels, ...spatial] = x.dims as [number, number, ...number[]];
  const sizes = spatial.map((size, axis) => {
    const padded = size + pads[axis]! + pads[axis + kernel.length]!;
    return Math.floor((padded - dilations[axis]! * (kernel[axis]! - 1) - 1) / strides[axis]!) + 1;
  });
  const perGroup = channels / group;
  const groups = Array.from({ length: group }, (_, g) =>
    [...indices([batch, ...sizes])].map(([n, ...window]) =>
      [...indices([perGroup, ...kernel])].map(([c, ...k]) => {
        const place = window.map((o, axis) => o * strides[axis]! + k[axis]! * dilations[axis]! - pads[axis]!);
        return at(x, [n!, g * perGroup + c!, ...place]);
      }),
    ),
  );
  return { groups, sizes };
}

/**
 * What the features of a ConvTranspose see at every output: (channel c, position k) sees the entry i that is spread to this
 * output by k, where there is one.
 *
 * @param sizes of the output
 */
export function convTransposePatches(x: Grid, geometry: Geometry, sizes: readonly number[]): readonly Patches[] {
  const { kernel, strides, dilations, pads, group } = geometry;
  const [batch, channels] = x.dims as [number, number];
  const perGroup = channels / group;
  return Array.from({ length: group }, (_, g) =>
    [...indices([batch, ...sizes])].map(([n, ...output]) =>
      [...indices([perGroup, ...kernel])].map(([c, ...k]) => {
        const place = output.map((p, axis) => (p + pads[axis]! - k[axis]! * dilations[axis]!) / strides[axis]!);
        return place.every(Number.isInteger) ? at(x, [n!, g * perGroup + c!, ...place]) : 0;
      }),
    ),
  );
}

/** `Σ x²` over the positions, row-major `[groups, inFeatures]`. */
export function sumsOfSquares(groups: readonly Patches[]): number[] {
  return groups.flatMap((patches) => patches[0]?.map((_, f) => sum(patches.map((patch) => patch[f]! ** 2))) ?? []);
}

/** `Σ x · xᵀ` over the positions, row-major `[groups, inFeatures, inFeatures]`. */
export function grams(groups: readonly Patches[]): number[] {
  return groups.flatMap((patches) =>
    (patches[0] ?? []).flatMap((_, a, all) => all.map((_, b) => sum(patches.map((patch) => patch[a]! * patch[b]!)))),
  );
}

/** The product of two lists. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let index = 0; index < a.length; index++) total += a[index]! * b[index]!;
  return total;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
