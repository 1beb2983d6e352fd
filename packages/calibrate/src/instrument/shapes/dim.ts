/** A number, or the name of a size that is only known when the model runs. */
export type Factor = number | string;

/**
 * A size: the product of its factors, 1 without any. Their order is that of the axes they came from, outermost first:
 * `["batch", "seq"]` is an axis over the tokens of the first sample, then those of the second; `["seq", "batch"]` is
 * as long and means something else.
 */
export type Dim = readonly Factor[];

/** Sizes, outermost first. */
export type Shape = readonly Dim[];

/** The size that these sizes make when their axes become one: factors in order, neighbouring numbers multiplied. */
export function product(...dims: readonly Dim[]): Dim {
  const factors: Factor[] = [];
  for (const factor of dims.flat()) {
    const last = factors.at(-1);
    if (typeof factor === "number" && typeof last === "number") factors[factors.length - 1] = last * factor;
    else factors.push(factor);
  }
  return factors.filter((factor) => factor !== 1);
}

/** A known size. */
export function fixed(size: number): Dim {
  return size === 1 ? [] : [size];
}

/** The size as a number; undefined where it is known only when the model runs. */
export function sizeOf(dim: Dim): number | undefined {
  const [factor = 1, ...more] = dim;
  return more.length === 0 && typeof factor === "number" ? factor : undefined;
}

/** Text that is the same for the same size in the same order of axes. */
export function keyOf(dim: Dim): string {
  return dim.length === 0 ? "1" : dim.join("*");
}

/** The sizes as numbers; undefined where one is not known. */
export function sizesOf(shape: Shape | undefined): readonly number[] | undefined {
  const sizes = shape?.map(sizeOf);
  return sizes?.every((size) => size !== undefined) ? sizes : undefined;
}
