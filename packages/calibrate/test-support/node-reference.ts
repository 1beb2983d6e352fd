import type { Consumer, PrunableWeight } from "@espalier/onnx";
import type { Tensor } from "@espalier/runtime";
import { at, convTransposePatches, type Geometry, type Grid, indices, sumsOfSquares } from "./patches.js";

/** Sums of squares and positions of a weight at one node, by plain loops in float64 over the raw input of that node. */
export interface NodeReference {
  readonly sums: readonly number[];
  readonly count: number;
}

/** The value that a node multiplies with its weight. */
export function otherFactor({ op, proto, input }: Consumer): string {
  return op === "MatMul" || op === "Gemm" ? proto.input[1 - input]! : proto.input[0]!;
}

/**
 * MatMul and Gemm with features last, Conv and ConvTranspose with explicit pads: what the real models have.
 *
 * @param kernel sizes of the kernel, for convolutions
 */
export function nodeReference(
  weight: PrunableWeight,
  consumer: Consumer,
  x: Tensor,
  kernel: readonly number[],
): NodeReference {
  const grid: Grid = { dims: x.dims, data: x.data as Float32Array };
  if (consumer.op === "MatMul" || consumer.op === "Gemm") return rowReference(grid, weight.inFeatures);
  const geometry = geometryOf(consumer, kernel);
  return consumer.op === "Conv" ? convReference(grid, geometry) : transposeReference(grid, geometry);
}

function rowReference({ data }: Grid, width: number): NodeReference {
  const sums = new Array<number>(width).fill(0);
  for (let index = 0; index < data.length; index++) sums[index % width]! += data[index]! ** 2;
  return { sums, count: data.length / width };
}

function convReference(x: Grid, { kernel, strides, dilations, pads }: Geometry): NodeReference {
  const [batch, channels, ...spatial] = x.dims as [number, number, ...number[]];
  const sizes = spatial.map((size, axis) => {
    const reach = dilations[axis]! * (kernel[axis]! - 1) + 1;
    return Math.floor((size + pads[axis]! + pads[axis + kernel.length]! - reach) / strides[axis]!) + 1;
  });
  const windows = [...indices([batch, ...sizes])];
  const sums = [...indices([channels, ...kernel])].map(([c, ...k]) =>
    windows.reduce((sum, [n, ...window]) => {
      const place = window.map((o, axis) => o * strides[axis]! + k[axis]! * dilations[axis]! - pads[axis]!);
      return sum + at(x, [n!, c!, ...place]) ** 2;
    }, 0),
  );
  return { sums, count: windows.length };
}

function transposeReference(x: Grid, geometry: Geometry): NodeReference {
  const { kernel, strides, dilations, pads } = geometry;
  const sizes = x.dims.slice(2).map((size, axis) => {
    const reach = dilations[axis]! * (kernel[axis]! - 1) + 1;
    return (size - 1) * strides[axis]! + reach - pads[axis]! - pads[axis + kernel.length]!;
  });
  const groups = convTransposePatches(x, geometry, sizes);
  return { sums: sumsOfSquares(groups), count: groups[0]!.length };
}

function geometryOf({ proto }: Consumer, kernel: readonly number[]): Geometry {
  const ints = (name: string) => proto.attribute.find((attribute) => attribute.name === name)?.ints.map(Number);
  const group = proto.attribute.find(({ name }) => name === "group");
  return {
    kernel,
    strides: ints("strides") ?? kernel.map(() => 1),
    dilations: ints("dilations") ?? kernel.map(() => 1),
    pads: ints("pads") ?? [...kernel, ...kernel].map(() => 0),
    group: Number(group?.i ?? 1),
  };
}
