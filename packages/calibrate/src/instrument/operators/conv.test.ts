import { type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectLaidOut, laidOutRun } from "../../../test-support/laid-out-run.js";
import { expectClose, expectMeasured, float32, measuredRun } from "../../../test-support/measured-run.js";
import { convPatches, dot, type Geometry } from "../../../test-support/patches.js";
import type { InstrumentOptions } from "../instrumentation.js";

interface ConvCase {
  readonly name: string;
  readonly x: readonly number[];
  readonly outChannels: number;
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** What the model says; the default says nothing. */
  readonly padding?: { readonly pads: readonly number[] } | { readonly auto_pad: string };
  /** The zeros at the beginnings and ends of the spatial axes that follow from it, worked out by hand. */
  readonly zeros?: readonly number[];
  readonly group?: number;
}

const CASES: readonly ConvCase[] = [
  { name: "3×3", x: [2, 3, 6, 5], outChannels: 4, kernel: [3, 3] },
  {
    name: "3×3, padded",
    x: [2, 3, 6, 5],
    outChannels: 4,
    kernel: [3, 3],
    padding: { pads: [1, 1, 1, 1] },
    zeros: [1, 1, 1, 1],
  },
  { name: "1×1", x: [2, 5, 3, 4], outChannels: 4, kernel: [1, 1] },
  { name: "1×1, stride 2", x: [2, 3, 5, 4], outChannels: 4, kernel: [1, 1], strides: [2, 2] },
  {
    name: "1×3 with a whole axis",
    x: [2, 3, 5, 4],
    outChannels: 4,
    kernel: [1, 3],
    padding: { pads: [0, 1, 0, 1] },
    zeros: [0, 1, 0, 1],
  },
  {
    name: "stride 2, one entry left over",
    x: [1, 2, 8, 7],
    outChannels: 3,
    kernel: [3, 3],
    strides: [2, 2],
    padding: { pads: [1, 1, 1, 1] },
    zeros: [1, 1, 1, 1],
  },
  {
    name: "stride 2 without padding, one entry left over",
    x: [1, 2, 8, 6],
    outChannels: 3,
    kernel: [3, 3],
    strides: [2, 2],
  },
  { name: "stride larger than the kernel", x: [1, 2, 9, 10], outChannels: 3, kernel: [2, 2], strides: [3, 4] },
  {
    name: "dilation 2",
    x: [1, 2, 9, 8],
    outChannels: 3,
    kernel: [3, 2],
    dilations: [2, 3],
    padding: { pads: [2, 1, 2, 0] },
    zeros: [2, 1, 2, 0],
  },
  {
    name: "stride 2 and dilation 2",
    x: [2, 2, 9, 8],
    outChannels: 3,
    kernel: [3, 3],
    strides: [2, 2],
    dilations: [2, 2],
    padding: { pads: [2, 1, 2, 2] },
    zeros: [2, 1, 2, 2],
  },
  {
    name: "uneven pads",
    x: [2, 2, 5, 4],
    outChannels: 3,
    kernel: [3, 3],
    padding: { pads: [0, 2, 1, 0] },
    zeros: [0, 2, 1, 0],
  },
  {
    name: "pads wider than the image",
    x: [2, 2, 2, 1],
    outChannels: 3,
    kernel: [5, 5],
    padding: { pads: [2, 2, 2, 2] },
    zeros: [2, 2, 2, 2],
  },
  // H: ⌈6/2⌉ = 3 windows reach 2 · 2 + 3 = 7, 1 more than 6, which goes to the end; W: 3 windows reach 7, 2 more than 5.
  {
    name: "SAME_UPPER",
    x: [1, 2, 6, 5],
    outChannels: 3,
    kernel: [3, 3],
    strides: [2, 2],
    padding: { auto_pad: "SAME_UPPER" },
    zeros: [0, 1, 1, 1],
  },
  {
    name: "SAME_LOWER",
    x: [1, 2, 6, 5],
    outChannels: 3,
    kernel: [3, 3],
    strides: [2, 2],
    padding: { auto_pad: "SAME_LOWER" },
    zeros: [1, 1, 0, 1],
  },
  // With stride 1 a kernel of 4 needs 3 zeros, one of 2 needs 1.
  {
    name: "SAME_UPPER, stride 1",
    x: [1, 2, 6, 5],
    outChannels: 3,
    kernel: [4, 2],
    padding: { auto_pad: "SAME_UPPER" },
    zeros: [1, 0, 2, 1],
  },
  {
    name: "SAME_LOWER, stride 1",
    x: [1, 2, 6, 5],
    outChannels: 3,
    kernel: [4, 2],
    padding: { auto_pad: "SAME_LOWER" },
    zeros: [2, 1, 1, 0],
  },
  // ⌈4/3⌉ = 2 windows of 1 reach 4, so nothing is missing; ⌈5/3⌉ = 2 windows reach 4, 1 less than 5: no negative padding.
  {
    name: "SAME_UPPER with a stride larger than the kernel",
    x: [1, 2, 4, 5],
    outChannels: 3,
    kernel: [1, 1],
    strides: [3, 3],
    padding: { auto_pad: "SAME_UPPER" },
    zeros: [0, 0, 0, 0],
  },
  {
    name: "SAME_LOWER with a stride larger than the kernel",
    x: [1, 2, 4, 5],
    outChannels: 3,
    kernel: [1, 1],
    strides: [3, 3],
    padding: { auto_pad: "SAME_LOWER" },
    zeros: [0, 0, 0, 0],
  },
  { name: "VALID", x: [1, 2, 6, 5], outChannels: 3, kernel: [3, 3], strides: [2, 1], padding: { auto_pad: "VALID" } },
  {
    name: "groups",
    x: [2, 4, 5, 6],
    outChannels: 6,
    kernel: [3, 3],
    group: 2,
    padding: { pads: [1, 1, 1, 1] },
    zeros: [1, 1, 1, 1],
  },
  {
    name: "depthwise",
    x: [2, 3, 5, 6],
    outChannels: 3,
    kernel: [3, 3],
    group: 3,
    strides: [2, 2],
    padding: { pads: [1, 1, 1, 1] },
    zeros: [1, 1, 1, 1],
  },
  { name: "depthwise with a multiplier", x: [1, 3, 5, 6], outChannels: 6, kernel: [3, 3], group: 3 },
  { name: "1-D", x: [2, 3, 9], outChannels: 4, kernel: [3], strides: [2], padding: { pads: [1, 0] }, zeros: [1, 0] },
  {
    name: "3-D",
    x: [1, 2, 5, 4, 6],
    outChannels: 3,
    kernel: [2, 3, 2],
    strides: [2, 1, 2],
    padding: { pads: [1, 1, 0, 0, 1, 1] },
    zeros: [1, 1, 0, 0, 1, 1],
  },
  { name: "3-D with whole axes", x: [2, 2, 3, 4, 5], outChannels: 3, kernel: [3, 1, 1] },
  {
    name: "16 channels, stride 2",
    x: [2, 16, 8, 7],
    outChannels: 16,
    kernel: [3, 3],
    strides: [2, 2],
    padding: { pads: [1, 1, 1, 1] },
    zeros: [1, 1, 1, 1],
  },
  {
    name: "24 channels, dilation 2",
    x: [1, 24, 7, 9],
    outChannels: 8,
    kernel: [3, 3],
    dilations: [2, 2],
    padding: { pads: [2, 1, 2, 0] },
    zeros: [2, 1, 2, 0],
  },
  {
    name: "16 channels, stride 2 without padding, one left over",
    x: [1, 16, 8, 7],
    outChannels: 16,
    kernel: [3, 3],
    strides: [2, 2],
  },
];

function geometryOf({ kernel, strides, dilations, zeros, group }: ConvCase): Geometry {
  const ones = kernel.map(() => 1);
  return {
    kernel,
    strides: strides ?? ones,
    dilations: dilations ?? ones,
    pads: zeros ?? [...kernel, ...kernel].fill(0),
    group: group ?? 1,
  };
}

/** Measures the convolution and compares with plain loops, which also have to give what ONNX Runtime puts out. */
async function check(
  one: ConvCase,
  opset: number,
  dims: readonly (number | string)[],
  options: InstrumentOptions,
): Promise<void> {
  const geometry = geometryOf(one);
  const { kernel, group } = geometry;
  const stream = random(7);
  const count = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  const shape = [one.outChannels, one.x[1]! / group, ...kernel];
  const [x, w] = [stream.float32(count(one.x)), stream.float32(count(shape))];
  const attributes = {
    ...(one.strides && { strides: one.strides }),
    ...(one.dilations && { dilations: one.dilations }),
    ...(one.group && { group: one.group }),
    ...one.padding,
  };
  const model: ModelParts = {
    opset,
    nodes: [node("Conv", ["x", "W"], ["y"], attributes)],
    initializers: [tensor("W", shape, w)],
    inputs: [valueInfo("x", "float32", dims)],
    outputs: [
      valueInfo(
        "y",
        "float32",
        one.x.map((_, axis) => `y${axis}`),
      ),
    ],
  };
  const feeds = { x: float32(one.x, x) };
  const { weights, outputs } = await measuredRun(model, feeds, options);
  const { groups, sizes } = convPatches({ dims: one.x, data: x }, geometry);
  expectMeasured(weights.get("W"), groups);
  expectLaidOut((await laidOutRun(model, feeds)).get("W"), groups);
  const perGroup = one.outChannels / group;
  const width = count(shape.slice(1));
  const positions = groups[0]!.length / one.x[0]!;
  expect(outputs.y!.dims).toEqual([one.x[0], one.outChannels, ...sizes]);
  const y = Array.from({ length: one.x[0]! * one.outChannels * positions }, (_, index) => {
    const [n, o, p] = [
      Math.floor(index / positions / one.outChannels),
      Math.floor(index / positions) % one.outChannels,
      index % positions,
    ];
    return dot(w.subarray(o * width, (o + 1) * width), groups[Math.floor(o / perGroup)]![n * positions + p]!);
  });
  expectClose(
    Array.from(outputs.y!.data as Float32Array),
    y,
    y.map(() => Math.sqrt(width) * 10),
  );
}

describe("instrument, Conv", () => {
  for (const one of CASES) {
    it(`${one.name}: fixed sizes`, () => check(one, 17, one.x, { gram: true }));
    it(`${one.name}: sizes known when it runs, opset 9`, () =>
      check(
        one,
        9,
        one.x.map((_, axis) => `d${axis}`),
        { gram: true },
      ));
    it(`${one.name}: blocks of channels`, () => check(one, 11, ["batch", ...one.x.slice(1)], { blocked: true }));
  }

  it("3×3 with fixed sizes in opset 7", () => check(CASES[5]!, 7, CASES[5]!.x, { gram: true }));
});
