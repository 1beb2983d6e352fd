import { l1, Mask, unstructured } from "@espalier/core";
import { applyMasks, encodeWeights, removeZeroChannels } from "@espalier/export";
import { decodeModel, type Model, prunableWeights } from "@espalier/onnx";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { checksOf, edited, failuresOf, pruned, reread } from "../../test-support/judging.js";

/** Models that lost channels: what is left is found again in the original by its numbers. */

const numbers = random(31);
const HIDDEN = 24;
const GONE = [2, 3, 11, 17, 23];

/** x [n, 16] · up + bias, Relu, a scale with many ones, · down + bias. */
function feedForward(declared: boolean): Model {
  const between = ["u", "a", "r", "s"].map((name) => valueInfo(name, "float32", ["n", HIDDEN]));
  const scale = Float32Array.from({ length: HIDDEN }, (_, index) => (index % 5 === 0 ? 1 + index : 1));
  return decodeModel(
    buildModel({
      nodes: [
        node("MatMul", ["x", "up"], ["u"], {}, { name: "first" }),
        node("Add", ["u", "upBias"], ["a"]),
        node("Relu", ["a"], ["r"]),
        node("Mul", ["r", "scale"], ["s"]),
        node("MatMul", ["s", "down"], ["d"], {}, { name: "second" }),
        node("Add", ["d", "downBias"], ["y"]),
      ],
      initializers: [
        tensor("upBias", [HIDDEN], numbers.float32(HIDDEN)),
        tensor("scale", [HIDDEN], scale),
        tensor("downBias", [12], numbers.float32(12)),
        tensor("up", [16, HIDDEN], numbers.float32(16 * HIDDEN)),
        tensor("down", [HIDDEN, 12], numbers.float32(HIDDEN * 12)),
      ],
      inputs: [valueInfo("x", "float32", ["n", 16])],
      outputs: [valueInfo("y", "float32", ["n", 12])],
      ...(declared && { valueInfos: between }),
    }),
  );
}

/** Prunes `rows` of `down`, so that the channels are unread, or `columns` of `up`, so that they are constant; 30 % of the rest. */
function prune(model: Model, zero: "unread" | "constant"): Model {
  return pruned(model, unstructured(0.3), (name, mask) => {
    const channelOf = (index: number): number => (name === "up" ? index % HIDDEN : Math.floor(index / 12));
    const isCut = name === (zero === "unread" ? "down" : "up");
    const isKept = (index: number): boolean => mask.keeps(index) && !(isCut && GONE.includes(channelOf(index)));
    return Mask.from(Array.from({ length: name === "up" ? 16 * HIDDEN : HIDDEN * 12 }, (_, index) => isKept(index)));
  });
}

function narrow(model: Model): Model {
  const { model: small, report } = removeZeroChannels(model, { channelMultiple: 1 });
  expect(report).toMatchObject([{ removed: GONE.length }]);
  return reread(small);
}

const edit = (model: Model, name: string, change: (bits: Uint32Array) => void): Model =>
  edited(model, name, ({ buffer }) => change(new Uint32Array(buffer)));

describe.each([
  ["without declared shapes", false],
  ["with declared shapes, whose values are renamed", true],
])("a model that lost channels, %s", (_, declared) => {
  const original = feedForward(declared);

  it("has the zeros of channels that nobody reads", async () => {
    const checks = await checksOf(original, narrow(prune(original, "unread")));
    for (const check of ["pattern", "kept-weights", "rest-unchanged", "record", "idempotent", "loads"]) {
      expect([check, checks.get(check)]).toMatchObject([check, { status: "passed" }]);
    }
    expect(checks.get("kept-weights")!.message).toContain(
      'removed channels taken for zeros in "up" [16, 24] → [16, 19], "down" [24, 12] → [19, 12]',
    );
    expect(checks.get("rest-unchanged")!.message).toMatch(/; 4 tensors read without removed channels$/);
  });

  it("tells which bias constant channels went into, and leaves it to the outputs", async () => {
    const checks = await checksOf(original, narrow(prune(original, "constant")));
    expect(checks.get("rest-unchanged")).toMatchObject({
      status: "passed",
      message: expect.stringContaining('removed channels may have gone into "downBias" (outputs decide)'),
    });
    for (const check of ["pattern", "kept-weights", "record", "idempotent"]) {
      expect([check, checks.get(check)]).toMatchObject([check, { status: "passed" }]);
    }
  });

  it.each(["exact", "float16", "int8"])("is read through decoders as well: %s", async (values) => {
    const small = narrow(prune(original, "unread"));
    const choices = new Map(["up", "down"].map((name) => [name, { encoding: "bitmask", values }]));
    expect(await failuresOf(original, reread(encodeWeights(small, choices)))).toEqual({});
  });

  it("does not hide a kept weight that moved, or a changed bias", async () => {
    const small = narrow(prune(original, "unread"));
    const moved = edit(small, "down", (bits) => {
      bits[bits.findIndex((one) => one !== 0)]! += 1;
    });
    expect(await failuresOf(original, moved)).toEqual({
      "kept-weights": expect.stringMatching(/^weight "down" \[0, \d+\]: bits/),
    });
    const biased = edit(small, "upBias", (bits) => {
      bits[4]! += 1;
    });
    // Channels 2 and 3 are gone: the fifth that is left was the seventh.
    expect(await failuresOf(original, biased)).toEqual({
      "rest-unchanged": expect.stringMatching(/^initializer "upBias" at \[6\]: bits/),
    });
  });

  it("finds channels that are swapped", async () => {
    const small = narrow(prune(original, "unread"));
    const swapped = edit(small, "down", (bits) => {
      const [first, second] = [bits.slice(0, 12), bits.slice(12, 24)];
      bits.set(second, 0);
      bits.set(first, 12);
    });
    expect(Object.keys(await failuresOf(original, swapped))).toContain("kept-weights");
  });
});

describe("two layers that lost as many channels of as many", () => {
  const sizes = { up0: [16, HIDDEN], down0: [HIDDEN, 16], up1: [16, HIDDEN], down1: [HIDDEN, 16] } as const;
  const original = decodeModel(
    buildModel({
      nodes: [0, 1].flatMap((layer) => [
        node("MatMul", [layer === 0 ? "x" : "y0", `up${layer}`], [`u${layer}`]),
        node("Add", [`u${layer}`, `b${layer}`], [`a${layer}`]),
        node("Relu", [`a${layer}`], [`r${layer}`]),
        node("MatMul", [`r${layer}`, `down${layer}`], [`y${layer}`]),
      ]),
      initializers: [
        ...Object.entries(sizes).map(([name, dims]) => tensor(name, dims, numbers.float32(16 * HIDDEN))),
        tensor("b0", [HIDDEN], numbers.float32(HIDDEN)),
        tensor("b1", [HIDDEN], numbers.float32(HIDDEN)),
      ],
      inputs: [valueInfo("x", "float32", ["n", 16])],
      outputs: [valueInfo("y1", "float32", ["n", 16])],
    }),
  );

  it.each(["exact", "float16", "int8"])("are told apart, though their numbers may be rounded: %s", async (values) => {
    const gone = [GONE, [0, 5, 6, 12, 13]];
    const weights = prunableWeights(original).filter((weight) => weight.prunable);
    const keeps = (name: string, index: number): boolean =>
      name.startsWith("up") || !gone[Number(name.at(-1))]!.includes(Math.floor(index / 16));
    const masks = new Map(
      Object.keys(sizes).map((name) => [
        name,
        Mask.from(Array.from({ length: 16 * HIDDEN }, (_, index) => keeps(name, index))),
      ]),
    );
    const pruned = applyMasks(original, weights, masks, {
      tool: "test 1.0",
      criterion: l1(),
      pattern: unstructured(0),
    });
    const { model: small } = removeZeroChannels(reread(pruned), { channelMultiple: 1 });
    const choices = new Map(Object.keys(sizes).map((name) => [name, { encoding: "dense", values }]));
    const failures = await failuresOf(original, reread(values === "exact" ? small : encodeWeights(small, choices)));
    expect(failures).toEqual({});
  });
});

describe("convolutions that lost channels", () => {
  const constant = (name: string, dims: readonly number[], data: Float32Array) =>
    node("Constant", [], [name], { value: tensor("", dims, data) }, { name });
  const vector = numbers.float32(HIDDEN);

  /** Conv, depthwise Conv, Conv without a bias; weights and biases in `Constant` nodes. */
  const original = decodeModel(
    buildModel({
      nodes: [
        constant("up", [HIDDEN, 16, 1, 1], numbers.float32(HIDDEN * 16)),
        constant("upBias", [HIDDEN], vector),
        constant("deep", [HIDDEN, 1, 3, 3], numbers.float32(HIDDEN * 9)),
        constant("deepBias", [HIDDEN], numbers.float32(HIDDEN)),
        constant("down", [12, HIDDEN, 1, 1], numbers.float32(12 * HIDDEN)),
        node("Conv", ["x", "up", "upBias"], ["u"], { kernel_shape: [1, 1], group: 1 }, { name: "c1" }),
        node("Relu", ["u"], ["r"]),
        node("Conv", ["r", "deep", "deepBias"], ["d"], { group: HIDDEN, kernel_shape: [3, 3] }, { name: "c2" }),
        node("Relu", ["d"], ["s"]),
        node("Conv", ["s", "down"], ["y"], { kernel_shape: [1, 1] }, { name: "c3" }),
      ],
      inputs: [valueInfo("x", "float32", ["n", 16, 8, 8])],
      outputs: [valueInfo("y", "float32", ["n", 12, 6, 6])],
    }),
  );

  it("are as large as they were, depthwise ones, Constants and new biases too", async () => {
    const weights = prunableWeights(original).filter((weight) => weight.prunable);
    const masks = new Map([
      ["up", Mask.from(Array.from({ length: HIDDEN * 16 }, (_, index) => !GONE.includes(Math.floor(index / 16))))],
      ["deep", Mask.from(Array.from({ length: HIDDEN * 9 }, () => true))],
      ["down", Mask.from(Array.from({ length: 12 * HIDDEN }, (_, index) => index % HIDDEN !== 7))],
    ]);
    const run = { tool: "test 1.0", criterion: l1(), pattern: unstructured(0) };
    const pruned = applyMasks(original, weights, masks, run);
    const { model: small, report } = removeZeroChannels(reread(pruned), { channelMultiple: 1 });
    expect(report).toMatchObject([{ removed: GONE.length + 1, folded: GONE.length }]);
    const checks = await checksOf(original, reread(small));
    expect([...checks.values()].filter(({ status }) => status === "failed")).toEqual([]);
    expect(checks.get("kept-weights")!.message).toContain('"deep" [24, 1, 3, 3] → [18, 1, 3, 3]');
    expect(checks.get("rest-unchanged")!.message).toMatch(/may have become new biases: "removed\/y\/bias#\d+" \(outp/);
  });
});
