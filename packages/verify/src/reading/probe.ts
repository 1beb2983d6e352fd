import type { NodeProto } from "@espalier/onnx";
import type { Runner, Sample, TensorOf } from "@espalier/runtime";
import { RESULT } from "./decode-constant.js";

/** Most float32 numbers that one probe feeds or gets where it may choose, 16 MiB. */
const MOST_ELEMENTS = 2 ** 22;

/** Most where sizes are fixed, 512 MiB: a batch of some hundred rows through a wide layer. */
const LARGEST = 2 ** 27;

/** What is known about the operator in whose place a region stands. */
export interface ProbedOperator {
  readonly node: NodeProto;
  /** Name of what is multiplied. */
  readonly input: string;
  readonly outChannels: number;
  readonly inFeatures: number;
  /** Sizes of the kernel of a convolution, and its input channels; absent for products. */
  readonly kernel?: { readonly sizes: readonly number[]; readonly channels: number };
  /** Declared sizes of the input, each at least 1, undefined where they are free; absent where nothing is declared. */
  readonly dims?: readonly (number | undefined)[];
  /** What is fed besides the input. */
  readonly addends: Sample;
}

/** How a region is fed, and where its answers are. */
export interface Probe {
  /** Sizes of the input. */
  readonly dims: readonly number[];
  /** How many in-features one run tells of. */
  readonly count: number;
  /** Index in the input of the single 1 that asks for in-feature `feature` as number `slot` of a run. */
  readonly inputIndex: (slot: number, feature: number) => number;
  /** Index in the output of the entry of an out channel, by the output's sizes. */
  readonly outputIndex: (slot: number, channel: number, outputDims: readonly number[]) => number;
}

/** The ways to feed a region, likeliest first: where nothing is declared about the input, its rank is not known. */
export function probesOf(operator: ProbedOperator): Probe[] {
  if (operator.kernel !== undefined) return [convolutionProbe(operator, operator.kernel)];
  const { dims, inFeatures } = operator;
  if (intAttribute(operator.node, "transA") !== 0) return [transposedProbe(operator)];
  if (dims !== undefined) return [productProbe(operator, [...dims.slice(0, -1), inFeatures])];
  return [1, 2, 3].map((rank) => productProbe(operator, [...Array<undefined>(rank).fill(undefined), inFeatures]));
}

/** The reason why a probe is not carried out where sizes that are fixed make its input or output too large. */
export function tooLarge({ dims }: Probe, { kernel, inFeatures, outChannels }: ProbedOperator): string | undefined {
  const fed = product(dims);
  const most = Math.max(fed, (fed / (kernel?.channels ?? inFeatures)) * outChannels);
  return most > LARGEST ? `an input of shape [${dims.join(", ")}] is too large to ask it for every entry` : undefined;
}

/** Rows of the input, each with a single 1. */
function productProbe(operator: ProbedOperator, declared: readonly (number | undefined)[]): Probe {
  const { inFeatures, outChannels } = operator;
  const free = declared.indexOf(undefined);
  const fixed = declared.slice(0, -1).reduce<number>((product, size) => product * (size ?? 1), 1);
  const wanted = Math.max(
    1,
    Math.min(inFeatures, Math.floor(MOST_ELEMENTS / Math.max(inFeatures, outChannels) / fixed)),
  );
  const dims = declared.map((size, axis) => size ?? (axis === free ? wanted : 1));
  return {
    dims,
    count: free < 0 ? fixed : fixed * wanted,
    inputIndex: (slot, feature) => slot * inFeatures + feature,
    outputIndex: (slot, channel) => slot * outChannels + channel,
  };
}

/** Gemm with transA: columns of the input. */
function transposedProbe({ inFeatures, outChannels, dims }: ProbedOperator): Probe {
  const most = Math.floor(MOST_ELEMENTS / Math.max(inFeatures, outChannels));
  const count = dims?.[1] ?? Math.max(1, Math.min(inFeatures, most));
  return {
    dims: [inFeatures, count],
    count,
    inputIndex: (slot, feature) => feature * count + slot,
    outputIndex: (slot, channel) => slot * outChannels + channel,
  };
}

/**
 * Images with a single 1, placed so that one output position meets the whole kernel inside the image:
 * `output[p] = Σ kernel[k] · input[p · stride + k · dilation − pad]`.
 */
function convolutionProbe(operator: ProbedOperator, { sizes, channels }: NonNullable<ProbedOperator["kernel"]>): Probe {
  const axes = sizes.map((_, axis) => axisOf(operator.node, sizes, axis));
  const image = axes.map(({ size }) => size);
  const area = product(image);
  const positions = product(sizes);
  const each = Math.max(channels, operator.outChannels) * area;
  const count = Math.max(1, Math.min(channels * positions, Math.floor(MOST_ELEMENTS / each)));
  return {
    dims: [count, channels, ...image],
    count,
    inputIndex: (slot, feature) => {
      const channel = Math.floor(feature / positions);
      const place = unravel(feature % positions, sizes).map((k, axis) => axes[axis]!.first + k * axes[axis]!.dilation);
      return (slot * channels + channel) * area + ravel(place, image);
    },
    outputIndex: (slot, channel, [, outs = 1, ...output]) => {
      const place = axes.map(({ position }) => position);
      return (slot * outs + channel) * product(output) + ravel(place, output);
    },
  };
}

/** Along one axis: the size of the image, the output position that is looked at, and where the kernel starts there. */
function axisOf(node: NodeProto, sizes: readonly number[], axis: number) {
  const stride = intsAttribute(node, "strides")[axis] ?? 1;
  const dilation = intsAttribute(node, "dilations")[axis] ?? 1;
  const reach = (sizes[axis]! - 1) * dilation + 1;
  const size = reach + stride; // room for the kernel at the first position that no padding touches
  const pad = padBefore(node, axis, { stride, reach, size });
  const position = Math.ceil(pad / stride);
  const first = position * stride - pad;
  return { size: Math.max(size, first + reach), position, first, dilation };
}

/** @see https://github.com/onnx/onnx/blob/main/docs/Operators.md#Conv, `auto_pad` */
function padBefore(
  node: NodeProto,
  axis: number,
  { stride, reach, size }: { readonly stride: number; readonly reach: number; readonly size: number },
): number {
  const mode = new TextDecoder().decode(node.attribute.find(({ name }) => name === "auto_pad")?.s);
  if (mode === "" || mode === "NOTSET") return intsAttribute(node, "pads")[axis] ?? 0;
  if (mode === "VALID") return 0;
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
  return mode === "SAME_LOWER" ? Math.ceil(total / 2) : Math.floor(total / 2);
}

/**
 * Asks a region for every entry of the weight that it multiplies with: a single 1 gives the entries of one in-feature, each a
 * product by 1 and sums with zeros, so exactly what float32 holds (−0 comes out as +0).
 *
 * @param visit gets each entry
 * @returns the reason where the region puts out another shape
 */
export async function probeEntries(
  runner: Runner,
  probe: Probe,
  operator: ProbedOperator,
  visit: (channel: number, feature: number, value: number) => void,
): Promise<string | undefined> {
  const { inFeatures, outChannels } = operator;
  for (let start = 0; start < inFeatures; start += probe.count) {
    const slots = Math.min(probe.count, inFeatures - start);
    const data = new Float32Array(product(probe.dims));
    for (let slot = 0; slot < slots; slot++) data[probe.inputIndex(slot, start + slot)] = 1;
    const output = await answer(runner, probe, operator, data);
    const outs = operator.kernel === undefined ? output.data.length / probe.count : output.dims[1];
    if (outs !== outChannels) return `it puts out [${output.dims.join(", ")}] for [${probe.dims.join(", ")}]`;
    for (let slot = 0; slot < slots; slot++) {
      for (let channel = 0; channel < outChannels; channel++) {
        visit(channel, start + slot, output.data[probe.outputIndex(slot, channel, output.dims)]!);
      }
    }
  }
  return undefined;
}

/** What a region puts out for one input. */
export async function answer(
  runner: Runner,
  { dims }: Probe,
  { input, addends }: Pick<ProbedOperator, "input" | "addends">,
  data: Float32Array,
): Promise<TensorOf<"float32">> {
  const outputs = await runner.run({ ...addends, [input]: { dtype: "float32", dims, data } });
  return outputs[RESULT] as TensorOf<"float32">;
}

function intAttribute(node: NodeProto, name: string): number {
  return Number(node.attribute.find((one) => one.name === name)?.i ?? 0n);
}

function intsAttribute(node: NodeProto, name: string): readonly number[] {
  return (node.attribute.find((one) => one.name === name)?.ints ?? []).map(Number);
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}

function ravel(place: readonly number[], sizes: readonly number[]): number {
  return place.reduce((index, at, axis) => index * sizes[axis]! + at, 0);
}

function unravel(index: number, sizes: readonly number[]): number[] {
  let rest = index;
  return sizes
    .toReversed()
    .map((size) => {
      const at = rest % size;
      rest = Math.floor(rest / size);
      return at;
    })
    .reverse();
}
