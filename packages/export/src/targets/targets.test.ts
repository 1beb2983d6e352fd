import { chooseEncoding, TARGET_RULES, tensorRtEligibility } from "@espalier/export";
import { decodeModel, type Model, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { weights } from "../../test-support/weight-cases.js";

function convolution(dims: readonly [number, number, number, number], keeps: (index: number) => boolean): Model {
  const bytes = buildModel({
    nodes: [node("Conv", ["x", "w"], ["y"])],
    initializers: [tensor("w", [...dims], weights(dims[0] * dims[1] * dims[2] * dims[3], keeps))],
    inputs: [valueInfo("x", "float32", [1, dims[1], 8, 8])],
    outputs: [valueInfo("y", "float32", [1, dims[0], "h", "w"])],
  });
  return decodeModel(bytes);
}

const weightOf = (model: Model) => prunableWeights(model)[0] as PrunableWeight;
/** Two of four input channels at each of 9 kernel positions, other ones at each. */
const alongInputs = (index: number) => (Math.floor(index / 9) + (index % 9)) % 4 < 2;

describe("tensorRtEligibility", () => {
  it.each<[string, Parameters<typeof convolution>[0], (index: number) => boolean, boolean, RegExp]>([
    ["2:4 along input channels at each kernel position", [8, 16, 3, 3], alongInputs, true, /16 input channels.*256/],
    ["zeros along the kernel only", [8, 16, 3, 3], (index) => index % 9 < 4, false, /no 2:4 along its inputs/],
    ["another number of outputs", [6, 16, 3, 3], alongInputs, false, /6 outputs.*multiple of 8/],
    ["another number of inputs", [8, 8, 3, 3], alongInputs, false, /8 input channels.*multiple of 16/],
    ["inputs that no group of four fits", [8, 6, 3, 3], () => false, false, /no 2:4/],
  ])("%s", (_, dims, keeps, eligible, reason) => {
    const found = tensorRtEligibility(weightOf(convolution(dims, keeps)));
    expect(found).toEqual({ eligible, reason: expect.stringMatching(reason) });
  });
});

describe("chooseEncoding", () => {
  const choose = (keeps: (index: number) => boolean, values = "exact") => {
    const model = convolution([8, 16, 3, 3], keeps);
    return chooseEncoding(model, weightOf(model), "ort-node", values);
  };

  it("takes the encoding of the fewest bytes", () => {
    expect(choose(alongInputs).form).toBe("2:4");
    expect(choose((index) => (index * 7) % 11 < 4).form).toBe("bitmask");
    expect(choose((index) => index % 20 === 0).form).toMatch(/gap/);
  });

  it("takes gaps where bits are not 2 % smaller: they load in less time and memory", () => {
    const { next } = random(6);
    const fifth = Array.from({ length: 8 * 16 * 9 }, () => next() < 0.2);
    const chosen = choose((index) => fifth[index]!);
    expect(chosen).toMatchObject({ form: "gap4", reason: expect.stringMatching(/^as small as bitmask but for 2 %/) });
  });

  it("leaves a weight alone that saves less than 5 %", () => {
    expect(choose((index) => index % 20 !== 0)).toMatchObject({ form: "dense", reason: expect.stringMatching(/5 %/) });
    expect(choose((index) => index % 20 !== 0).choice).toBeUndefined();
  });

  it("keeps values that cannot be stored otherwise, and says why", () => {
    expect(choose(alongInputs, "float16").choice?.values).toBe("float16");
    const bytes = buildModel({
      nodes: [node("MatMul", ["x", "w"], ["y"])],
      initializers: [
        tensor(
          "w",
          [64, 8],
          weights(512, (index) => index % 3 === 0).map((value) => value * 1e6),
        ),
      ],
      inputs: [valueInfo("x", "float32", [1, 64])],
      outputs: [valueInfo("y", "float32", [1, 8])],
    });
    const model = decodeModel(bytes);
    const kept = chooseEncoding(model, weightOf(model), "ort-node", "float16");
    expect(kept.choice?.values).toBe("exact");
    expect(kept.reason).toMatch(/not as float16: .*65504.*smallest/);
  });

  it("takes smaller values without an index where there are no zeros", () => {
    expect(choose(() => true, "int8")).toMatchObject({ form: "dense", choice: { encoding: "dense", values: "int8" } });
  });
});

describe("TARGET_RULES", () => {
  it("give a reason for every encoding, and never choose what a build of the web refuses", () => {
    for (const { encodings } of Object.values(TARGET_RULES)) {
      for (const { encoding, automatic, reason } of encodings) {
        expect(reason.length).toBeGreaterThan(20);
        if (encoding === "coo") expect(automatic).toBe(false);
      }
    }
  });
});
