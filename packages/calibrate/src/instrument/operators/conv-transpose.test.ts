import { node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectClose, expectMeasured, float32, measuredRun } from "../../../test-support/measured-run.js";
import { convTransposePatches, type Geometry } from "../../../test-support/patches.js";

interface TransposeCase {
  readonly name: string;
  readonly x: readonly number[];
  readonly outPerGroup: number;
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly group?: number;
  /** What else the model says. */
  readonly attributes?: Readonly<Record<string, readonly number[] | string>>;
  /** Entries cut off at the beginnings and ends that follow from it, worked out by hand. */
  readonly cut?: readonly number[];
  /** Sizes of the output, worked out by hand. */
  readonly sizes: readonly number[];
  /** Whether sizes have to be fixed in the model. */
  readonly fixedOnly?: boolean;
}

const CASES: readonly TransposeCase[] = [
  { name: "3×3", x: [2, 3, 3, 4], outPerGroup: 2, kernel: [3, 3], sizes: [5, 6] },
  { name: "stride 2", x: [2, 3, 3, 4], outPerGroup: 2, kernel: [2, 2], strides: [2, 2], sizes: [6, 8] },
  // (3 − 1) · 2 + 3 − 1 − 1 = 5, (4 − 1) · 2 + 3 − 1 − 0 = 8
  {
    name: "stride 2, uneven pads",
    x: [1, 3, 3, 4],
    outPerGroup: 2,
    kernel: [3, 3],
    strides: [2, 2],
    attributes: { pads: [1, 1, 1, 0] },
    cut: [1, 1, 1, 0],
    sizes: [5, 8],
  },
  // As before, and 1 and 0 more.
  {
    name: "output_padding",
    x: [1, 3, 3, 4],
    outPerGroup: 2,
    kernel: [3, 3],
    strides: [2, 2],
    attributes: { pads: [1, 1, 1, 1], output_padding: [1, 0] },
    cut: [1, 1, 1, 1],
    sizes: [6, 7],
  },
  {
    name: "stride larger than the kernel",
    x: [1, 2, 3, 2],
    outPerGroup: 2,
    kernel: [2, 1],
    strides: [3, 4],
    attributes: { output_padding: [1, 2] },
    sizes: [9, 7],
  },
  // (3 − 1) · 1 + 2 · 2 + 1 − 3 = 4; (4 − 1) · 2 + 3 · 1 + 1 − 4 = 6
  {
    name: "dilation",
    x: [2, 2, 3, 4],
    outPerGroup: 2,
    kernel: [3, 2],
    strides: [1, 2],
    dilations: [2, 3],
    attributes: { pads: [2, 1, 1, 3] },
    cut: [2, 1, 1, 3],
    sizes: [4, 6],
  },
  // Everything that position 0 of the kernel spreads is cut off.
  {
    name: "pads that cut a position off",
    x: [1, 2, 1, 3],
    outPerGroup: 2,
    kernel: [3, 3],
    attributes: { pads: [1, 0, 1, 0] },
    cut: [1, 0, 1, 0],
    sizes: [1, 5],
  },
  {
    name: "groups",
    x: [2, 4, 3, 3],
    outPerGroup: 3,
    kernel: [3, 2],
    strides: [2, 2],
    group: 2,
    attributes: { pads: [1, 0, 0, 1] },
    cut: [1, 0, 0, 1],
    sizes: [6, 5],
  },
  // 3 · 2 = 6 of (3 − 1) · 2 + 3 = 7: the 1 too many goes from the end; 4 · 2 = 8 of (4 − 1) · 2 + 5 = 11: 1 and 2.
  {
    name: "SAME_UPPER",
    x: [1, 2, 3, 4],
    outPerGroup: 2,
    kernel: [3, 5],
    strides: [2, 2],
    attributes: { auto_pad: "SAME_UPPER" },
    cut: [0, 1, 1, 2],
    sizes: [6, 8],
  },
  {
    name: "SAME_LOWER",
    x: [1, 2, 3, 4],
    outPerGroup: 2,
    kernel: [3, 5],
    strides: [2, 2],
    attributes: { auto_pad: "SAME_LOWER" },
    cut: [1, 2, 0, 1],
    sizes: [6, 8],
  },
  // Of 7 and 9 all but 4 and 6: 3 each, the larger half from the beginning.
  {
    name: "output_shape",
    x: [1, 2, 3, 4],
    outPerGroup: 2,
    kernel: [3, 3],
    strides: [2, 2],
    attributes: { output_shape: [4, 6] },
    cut: [2, 2, 1, 1],
    sizes: [4, 6],
    fixedOnly: true,
  },
  {
    name: "1-D",
    x: [2, 3, 5],
    outPerGroup: 2,
    kernel: [4],
    strides: [3],
    attributes: { pads: [2, 1] },
    cut: [2, 1],
    sizes: [13],
  },
  {
    name: "3-D",
    x: [1, 2, 2, 3, 2],
    outPerGroup: 2,
    kernel: [2, 3, 2],
    strides: [2, 1, 2],
    attributes: { pads: [0, 1, 0, 1, 1, 0] },
    cut: [0, 1, 0, 1, 1, 0],
    sizes: [3, 3, 4],
  },
];

async function check(one: TransposeCase, opset: number, dims: readonly (number | string)[]): Promise<void> {
  const ones = one.kernel.map(() => 1);
  const group = one.group ?? 1;
  const geometry: Geometry = {
    kernel: one.kernel,
    strides: one.strides ?? ones,
    dilations: one.dilations ?? ones,
    pads: one.cut ?? [...ones, ...ones].fill(0),
    group,
  };
  const stream = random(11);
  const count = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  const channels = one.x[1]!;
  const shape = [channels, one.outPerGroup, ...one.kernel];
  const [x, w] = [stream.float32(count(one.x)), stream.float32(count(shape))];
  const { weights, outputs } = await measuredRun(
    {
      opset,
      nodes: [
        node("ConvTranspose", ["x", "W"], ["y"], {
          ...(one.strides && { strides: one.strides }),
          ...(one.dilations && { dilations: one.dilations }),
          ...(one.group && { group: one.group }),
          ...one.attributes,
        }),
      ],
      initializers: [tensor("W", shape, w)],
      inputs: [valueInfo("x", "float32", dims)],
      outputs: [
        valueInfo(
          "y",
          "float32",
          one.x.map((_, axis) => `y${axis}`),
        ),
      ],
    },
    { x: float32(one.x, x) },
  );
  const groups = convTransposePatches({ dims: one.x, data: x }, geometry, one.sizes);
  expectMeasured(weights.get("W"), groups);
  const outChannels = group * one.outPerGroup;
  expect(outputs.y!.dims).toEqual([one.x[0], outChannels, ...one.sizes]);
  const [positions, kernelSize, perGroup] = [count(one.sizes), count(one.kernel), channels / group];
  const y = Array.from({ length: one.x[0]! * outChannels * positions }, (_, index) => {
    const [n, o, p] = [
      Math.floor(index / positions / outChannels),
      Math.floor(index / positions) % outChannels,
      index % positions,
    ];
    const g = Math.floor(o / one.outPerGroup);
    return groups[g]![n * positions + p]!.reduce((sum, value, feature) => {
      const [c, k] = [g * perGroup + Math.floor(feature / kernelSize), feature % kernelSize];
      return sum + value * w[(c * one.outPerGroup + (o % one.outPerGroup)) * kernelSize + k]!;
    }, 0);
  });
  expectClose(
    Array.from(outputs.y!.data as Float32Array),
    y,
    y.map(() => 100),
  );
}

describe("instrument, ConvTranspose", () => {
  for (const one of CASES) {
    it(`${one.name}: fixed sizes`, () => check(one, 17, one.x));
    if (!one.fixedOnly)
      it(`${one.name}: sizes known when it runs, opset 9`, () =>
        check(
          one,
          9,
          one.x.map((_, axis) => `d${axis}`),
        ));
  }
});
