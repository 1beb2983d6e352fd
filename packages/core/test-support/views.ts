import type { Axis, Statistics, WeightView } from "@espalier/core";
import fc from "fast-check";

/** A weight for tests: its axes, and the values it reads. */
export function viewOf(
  name: string,
  axes: readonly Axis[],
  values: ArrayLike<number>,
  options: { groups?: number; axisConflict?: string; double?: boolean } = {},
): WeightView {
  const array = options.double ? Float64Array.from(values) : Float32Array.from(values);
  const product = (role: (axis: Axis) => boolean): number =>
    axes.filter(role).reduce((total, axis) => total * axis.size, 1);
  return {
    name,
    outChannels: product((axis) => axis.role === "out"),
    inFeatures: product((axis) => axis.role !== "out"),
    groups: options.groups ?? 1,
    axes,
    ...(options.axisConflict !== undefined && { axisConflict: options.axisConflict }),
    read: () => array.slice(),
  };
}

const axis = (role: Axis["role"], size: number, step: number): Axis => ({ role, size, step });

/** MatMul B `[K, N]`: the reduction axis is the slow one. */
export const matMul = (k: number, n: number): Axis[] => [axis("in", k, 1), axis("out", n, 1)];

/** Every layout an operator can have, from sizes: groups or batches g, out channels per group p, input channels c, kernel k. */
const LAYOUTS: readonly ((g: number, p: number, c: number, k: number) => { axes: Axis[]; groups: number })[] = [
  (_, p, c) => ({ axes: matMul(c, p), groups: 1 }),
  (_, p, c) => ({ axes: [axis("out", p, 1), axis("in", c, 1)], groups: 1 }),
  // Conv with g groups
  (g, p, c, k) => ({ axes: [axis("out", g * p, 1), axis("in", c, k), axis("kernel", k, 1)], groups: g }),
  // ConvTranspose with g groups
  (g, p, c, k) => ({
    axes: [axis("out", g, p), axis("in", c, k), axis("out", p, 1), axis("kernel", k, 1)],
    groups: g,
  }),
  // Conv stored [kH, kW, C, O] behind a Transpose
  (_, p, c, k) => ({ axes: [axis("kernel", k, 1), axis("in", c, k), axis("out", p, 1)], groups: 1 }),
  // batched MatMul
  (g, p, c) => ({ axes: [axis("out", g, p), axis("in", c, 1), axis("out", p, 1)], groups: g }),
  // input channels in two adjacent axes that continue each other
  (_, p, c) => ({ axes: [axis("in", 2, c), axis("in", c, 1), axis("out", p, 1)], groups: 1 }),
];

/** Small values with many ties, natural zeros of both signs, and both signs. */
const tiedValue = fc.constantFrom(0, -0, 0.5, -0.5, 1, -1, 2, -3, 0.25);
/** Quarters: sums and squares of them are exact, so a reference may add in any order. */
const spreadValue = fc.integer({ min: -4000, max: 4000 }).map((quarters) => quarters / 4);

/** A weight of random layout, size, precision and values. */
export function arbitraryView(name: string, options: { channelMultiple?: number } = {}): fc.Arbitrary<WeightView> {
  const size = fc.integer({ min: 1, max: 7 });
  return fc
    .record({
      layout: fc.constantFrom(...LAYOUTS),
      g: fc.integer({ min: 1, max: 3 }),
      p: size,
      c: size,
      k: fc.integer({ min: 1, max: 4 }),
      double: fc.boolean(),
    })
    .chain(({ layout, g, p, c, k, double }) => {
      const { axes, groups } = layout(g, p, c * (options.channelMultiple ?? 1), k);
      const length = axes.reduce((total, { size }) => total * size, 1);
      return fc
        .oneof(
          fc.array(tiedValue, { minLength: length, maxLength: length }),
          fc.array(spreadValue, { minLength: length, maxLength: length }),
        )
        .map((values) => viewOf(name, axes, values, { groups, double }));
    });
}

/** Statistics for weights, with dead features among them; whole numbers from the seed. */
export function statisticsFor(views: readonly WeightView[], seed = 1): Statistics {
  return new Map(
    views.map((view, which) => [
      view.name,
      {
        sumOfSquares: Float64Array.from(
          { length: view.groups * view.inFeatures },
          (_, i) => ((i + which + seed) * 7919) % 11,
        ),
        count: 3 + which,
      },
    ]),
  );
}

/** The view with other values. */
export function withValues(view: WeightView, values: Float32Array | Float64Array): WeightView {
  return { ...view, read: () => values.slice() as typeof values };
}
