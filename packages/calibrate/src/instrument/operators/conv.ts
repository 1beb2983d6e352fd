import { intsOf } from "../attributes.js";
import { activation, type MeasuredOperator, type Measuring, type Site } from "../measuring.js";
import { layOutPatches } from "../patches.js";
import { convReach } from "../reach.js";
import type { RunPadding } from "../reach-table.js";
import { type Dim, product, sizeOf, sizesOf } from "../shapes/dim.js";
import { type Runs, type SpatialAxis, spatialSums } from "../spatial-sums.js";
import { requireNoTokens } from "../token-mask.js";
import { Unmeasurable } from "../unmeasurable.js";
import { type Padding, paddingFor, type Window, windowCount, windowsOf } from "../window.js";

/**
 * Conv of any number of spatial axes: the in-feature `(channel, position of the kernel)` sees `x[n, c, o · stride + k ·
 * dilation − padding]` at every window `o`, and 0 where that lies in the padding. Positions are windows.
 */
export const conv: MeasuredOperator = {
  ops: ["Conv", "com.microsoft.FusedConv"],
  measure(site, measuring) {
    const { graph, sizes } = measuring;
    const { name, shape, value, windows } = movedOver(site, measuring);
    const sizeOfAxis = (axis: number): string => sizes.of(shape[axis + 2], name, axis + 2);
    const perImage = windows
      .map((window, axis) => countOf(measuring, window, shape[axis + 2]!, sizeOfAxis(axis)))
      .reduce((a, b) => sizes.times(a, b));
    const count = sizes.times(sizes.of(shape[0], name, 0), perImage);
    const channels = channelsOf(site, windows);
    const axes = windows.map((window, axis) => axisOf(measuring, window, shape[axis + 2]!, () => sizeOfAxis(axis)));
    return { sums: spatialSums(measuring, { value: graph.op("Mul", [value, value]), shape, channels }, axes), count };
  },
  layOut(site, measuring) {
    const { value, windows } = movedOver(site, measuring);
    return layOutPatches(measuring, site, value, windows);
  },
};

/** What a kernel moves over, as float32 too, and how. @throws {Unmeasurable} where its windows may be tokens, of which some do not count */
function movedOver(site: Site, measuring: Measuring) {
  const windows = windowsOf(site.node, kernelOf(site, measuring));
  const name = site.node.input[0]!;
  const shape = imageShape(measuring, name, windows.length);
  requireNoTokens(measuring, product(shape[0]!, ...shape.slice(2)));
  return { name, shape, value: activation(measuring, site, name), windows };
}

/** Sizes of the kernel. @throws {Unmeasurable} when they are not known */
export function kernelOf({ node, input }: Site, { shapes }: Measuring): readonly number[] {
  const kernel = intsOf(node, "kernel_shape") ?? sizesOf(shapes.of(node.input[input]!))?.slice(2);
  if (kernel === undefined) throw new Unmeasurable("the size of its kernel is not known beforehand");
  return kernel;
}

/** Channels of the input of a convolution: those of all groups. */
export function channelsOf({ weight }: Site, kernel: readonly { readonly kernel: number }[]): number {
  return (weight.groups * weight.inFeatures) / kernel.reduce((all, axis) => all * axis.kernel, 1);
}

/** The shape of images: what is known of it, of the rank that the kernel says. */
export function imageShape({ shapes }: Measuring, name: string, spatial: number): readonly Dim[] {
  const shape = shapes.of(name);
  return shape?.length === spatial + 2 ? shape : Array.from({ length: spatial + 2 }, () => shapes.symbols.fresh());
}

/** Windows on an axis, int64 `[1]`. */
function countOf({ graph }: Measuring, window: Window, dim: Dim, size: string): string {
  const fixedSize = sizeOf(dim);
  if (fixedSize !== undefined) return graph.integers([windowCount(window, fixedSize)]);
  const { kernel, stride, dilation, padding } = window;
  if (typeof padding !== "string" && stride === 1) {
    return graph.op("Add", [size, graph.integers([padding.begin + padding.end - dilation * (kernel - 1)])]);
  }
  // Rounded down, plus one; for SAME rounded up, which is the same with another summand.
  const added = typeof padding === "string" ? -1 : padding.begin + padding.end - dilation * (kernel - 1) - 1;
  const steps = graph.op("Div", [graph.op("Add", [size, graph.integers([added])]), graph.integers([stride])]);
  return graph.op("Add", [steps, graph.integers([1])]);
}

function axisOf(measuring: Measuring, window: Window, dim: Dim, size: () => string): SpatialAxis {
  const { kernel, stride, padding } = window;
  const fixedSize = sizeOf(dim);
  if (fixedSize === undefined && typeof padding === "string" && stride > 1) {
    return {
      reach: convReach(window, { begin: 0, end: 0 }),
      runPadding: samePadding(measuring, window, size()),
      isWhole: false,
    };
  }
  // With stride 1 the padding of SAME is the same for every size.
  const zeros = paddingFor(window, fixedSize ?? 1);
  const reach = convReach(window, zeros);
  const isWhole = kernel === 1 && stride === 1 && zeros.begin === 0 && zeros.end === 0;
  const runs = fixedSize === undefined ? undefined : runsOf(window, fixedSize, zeros);
  return { reach, isWhole, ...(runs && { runs }) };
}

/** The windows as runs of entries; undefined where more than the padding is left behind the last window. */
function runsOf(window: Window, size: number, { begin, end }: Padding): Runs | undefined {
  const { kernel, stride, dilation } = window;
  const length = windowCount(window, size);
  const left = size + begin + end - dilation * (kernel - 1) - 1 - stride * (length - 1);
  if (left > end || length < 1) return undefined;
  return { length, spacing: stride, step: dilation, padding: { begin, end: end - left } };
}

/** `total = (⌈size / stride⌉ − 1) · stride + dilation · (kernel − 1) + 1 − size`, not below 0, and its halves. */
function samePadding({ graph }: Measuring, { kernel, stride, dilation, padding }: Window, size: string): RunPadding {
  const windows = graph.op("Div", [graph.op("Add", [size, graph.integers([stride - 1])]), graph.integers([stride])]);
  const reached = graph.op("Add", [
    graph.op("Mul", [windows, graph.integers([stride])]),
    graph.integers([dilation * (kernel - 1) + 1 - stride]),
  ]);
  const missing = graph.op("Sub", [reached, size]);
  const isPositive = graph.op("Cast", [graph.op("Greater", [missing, graph.integers([0])])], { to: 7n });
  const total = graph.op("Mul", [missing, isPositive]);
  const smaller = graph.op("Div", [total, graph.integers([2])]);
  const larger = graph.op("Sub", [total, smaller]);
  return padding === "same-upper" ? { begin: smaller, end: larger } : { begin: larger, end: smaller };
}
