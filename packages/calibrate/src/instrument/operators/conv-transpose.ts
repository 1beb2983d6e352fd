import { intsOf, textOf } from "../attributes.js";
import { activation, type MeasuredOperator, type Measuring, type Site } from "../measuring.js";
import type { Reach } from "../reach.js";
import { type Dim, product, sizeOf } from "../shapes/dim.js";
import { type SpatialAxis, spatialSums } from "../spatial-sums.js";
import { requireNoTokens } from "../token-mask.js";
import { Unmeasurable } from "../unmeasurable.js";
import type { Padding } from "../window.js";
import { channelsOf, imageShape, kernelOf } from "./conv.js";

/** How a transposed convolution spreads one axis. */
interface Spread {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Entries cut off at both ends of the output. */
  readonly cut: Padding;
  /** Entries added at the end of the output. */
  readonly added: number;
}

/**
 * ConvTranspose: output `p` is the sum over in-features `(channel c, position k of the kernel)` of the weight and
 * `x[n, c, i]` where `p = i · stride + k · dilation − cut`, and 0 where there is no such `i`. So `x[n, c, i]²` counts once
 * for every `k` whose output is not cut off. Positions are the outputs.
 *
 * @see https://github.com/onnx/onnx/blob/main/docs/Operators.md#ConvTranspose
 */
export const convTranspose: MeasuredOperator = {
  ops: ["ConvTranspose"],
  measure(site, measuring) {
    const { graph, sizes } = measuring;
    const kernel = kernelOf(site, measuring);
    const name = site.node.input[0]!;
    const shape = imageShape(measuring, name, kernel.length);
    requireNoTokens(measuring, product(shape[0]!, ...shape.slice(2)));
    const spreads = kernel.map((_, axis) => spreadOf(site, kernel, axis, shape[axis + 2]!));
    const value = activation(measuring, site, name);
    const count = spreads
      .map((spread, axis) => outputsOf(measuring, spread, sizes.of(shape[axis + 2], name, axis + 2)))
      .reduce((a, b) => sizes.times(a, b), sizes.of(shape[0], name, 0));
    const axes = spreads.map((spread): SpatialAxis => ({ reach: reachOf(spread), isWhole: false }));
    return {
      sums: spatialSums(
        measuring,
        { value: graph.op("Mul", [value, value]), shape, channels: channelsOf(site, spreads) },
        axes,
      ),
      count,
    };
  },
  layOut() {
    throw new Unmeasurable("there are no Gram matrices for ConvTranspose");
  },
};

/** `k` meets `i` when `0 ≤ i · stride + k · dilation − cut.begin`, and as far from the other end: every one in between. */
function reachOf({ kernel, stride, dilation, cut, added }: Spread): Reach {
  const positions = [...Array(kernel).keys()];
  return {
    first: positions.map((k) => Math.ceil((cut.begin - k * dilation) / stride)),
    beyond: positions.map((k) => -Math.ceil((cut.end - added - dilation * (kernel - 1 - k)) / stride)),
    stride: 1,
  };
}

/** Outputs on an axis, int64 `[1]`: `(size − 1) · stride + added + dilation · (kernel − 1) + 1 − cut`. */
function outputsOf({ graph }: Measuring, { kernel, stride, dilation, cut, added }: Spread, size: string): string {
  const rest = added + dilation * (kernel - 1) + 1 - stride - cut.begin - cut.end;
  return graph.op("Add", [graph.op("Mul", [size, graph.integers([stride])]), graph.integers([rest])]);
}

function spreadOf({ node }: Site, kernels: readonly number[], axis: number, dim: Dim): Spread {
  const at = (name: string, fallback: number): number => intsOf(node, name)?.[axis] ?? fallback;
  const kernel = kernels[axis]!;
  const [stride, dilation, added] = [at("strides", 1), at("dilations", 1), at("output_padding", 0)];
  const spread = { kernel, stride, dilation, added };
  // An axis of size n becomes (n − 1) · stride + longer.
  const longer = added + dilation * (kernel - 1) + 1;
  const auto = textOf(node, "auto_pad") ?? "NOTSET";
  const outputs = intsOf(node, "output_shape");
  if (outputs !== undefined) {
    const size = sizeOf(dim);
    if (size === undefined)
      throw new Unmeasurable("its ConvTranspose has an output_shape, but its input no fixed size");
    const left = (size - 1) * stride + longer - outputs[outputs.length - kernels.length + axis]!;
    return { ...spread, cut: halves(left, auto), added: added + Math.max(0, -left) };
  }
  if (auto.startsWith("SAME")) return { ...spread, cut: halves(longer - stride, auto) };
  const pads = (auto === "NOTSET" ? intsOf(node, "pads") : undefined) ?? [];
  return { ...spread, cut: { begin: pads[axis] ?? 0, end: pads[axis + kernels.length] ?? 0 } };
}

/** Cuts off what is too much, with an odd rest at the end for SAME_UPPER and at the beginning otherwise. */
function halves(left: number, auto: string): Padding {
  const total = Math.max(0, left);
  const smaller = Math.floor(total / 2);
  return auto === "SAME_UPPER" ? { begin: smaller, end: total - smaller } : { begin: total - smaller, end: smaller };
}
