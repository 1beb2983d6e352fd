import { removeZeroChannels } from "@espalier/export";
import { decodeModel, type Model } from "@espalier/onnx";
import { buildModel, type ModelParts, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectSameOutputs, floats } from "../../test-support/block-models.js";
import { removed, shapes, TOLERANCE, values } from "../../test-support/removal.js";

const model = (parts: ModelParts): Model => decodeModel(buildModel(parts));

describe("removeZeroChannels, between convolutions", () => {
  const CHANNELS = 6;
  const image = { x: floats([2, 3, 7, 7]) };
  // Channel 1 has no inputs and a bias, channel 4 is not read.
  const kernel = (out: number, channels: number, zeroOut: readonly number[], zeroIn: readonly number[], seed: number) =>
    values(out * channels * 9, seed).map((value, at) => {
      const [o, c] = [Math.floor(at / (channels * 9)), Math.floor(at / 9) % channels];
      return zeroOut.includes(o) || zeroIn.includes(c) ? 0 : value;
    }) as Float32Array<ArrayBuffer>;
  const first = tensor("first", [CHANNELS, 3, 3, 3], kernel(CHANNELS, 3, [1], [], 1));
  const second = tensor("second", [2, CHANNELS, 3, 3], kernel(2, CHANNELS, [], [4], 2));
  const bias = tensor("bias", [CHANNELS], Float32Array.of(1, 0.5, -1, 2, 1, -2));
  const norm = ["scale", "shift", "mean", "variance"].map((name, at) =>
    tensor(
      name,
      [CHANNELS],
      values(CHANNELS, at + 20).map((value) => (name === "variance" ? 1 + value * value : value)),
    ),
  );

  function convs(between: ModelParts["nodes"], pads: readonly number[], more: Partial<ModelParts> = {}): Model {
    return model({
      nodes: [
        node("Conv", ["x", "first", "bias"], ["a"], { pads: [1, 1, 1, 1] }),
        ...between,
        node("Conv", ["b", "second"], ["y"], { pads }),
      ],
      initializers: [first, bias, second, ...norm],
      inputs: [valueInfo("x", "float32", ["batch", 3, "height", "width"])],
      outputs: [valueInfo("y", "float32", ["batch", 2, "h", "w"])],
      ...more,
    });
  }

  const normalized = [node("BatchNormalization", ["a", "scale", "shift", "mean", "variance"], ["n"])];

  it("removes channels through BatchNormalization, activation and pooling, and folds constants into a new bias", async () => {
    const valid = convs(
      [...normalized, node("LeakyRelu", ["n"], ["r"]), node("MaxPool", ["r"], ["b"], { kernel_shape: [2, 2] })],
      [0, 0, 0, 0],
    );
    const { small, report } = await removed(valid, image);
    expect(report).toEqual([{ producers: ["first"], consumers: ["second"], channels: 6, removed: 2, folded: 1 }]);
    expect(shapes(small)).toMatchObject({ first: [4, 3, 3, 3], scale: [4], second: [2, 4, 3, 3] });
  });

  it("keeps a constant channel that the next convolution pads with zeros, unless it is zero itself", async () => {
    const padded = convs([...normalized, node("Sigmoid", ["n"], ["b"])], [1, 1, 1, 1]);
    const kept = await removed(padded, image);
    expect(kept.report).toMatchObject([{ removed: 1, folded: 0 }]);
    expect(kept.report[0]!.reason).toBe('Conv "y" pads constant channels with zeros');
    const negative = tensor("bias", [CHANNELS], Float32Array.of(1, -0.5, -1, 2, 1, -2));
    const zero = convs([node("Relu", ["a"], ["b"])], [1, 1, 1, 1], { initializers: [first, negative, second] });
    expect((await removed(zero, image)).report).toMatchObject([{ removed: 2 }]);
  });

  it("removes channels of a residual block from all its convolutions", async () => {
    const stem = tensor("stem", [CHANNELS, 3, 3, 3], kernel(CHANNELS, 3, [], [], 1));
    const body = tensor("body", [CHANNELS, CHANNELS, 3, 3], kernel(CHANNELS, CHANNELS, [], [4], 5));
    const block = model({
      nodes: [
        node("Conv", ["x", "stem", "bias"], ["s"], { pads: [1, 1, 1, 1] }),
        node("Relu", ["s"], ["r"]),
        node("Conv", ["r", "body", "bias"], ["c"], { pads: [1, 1, 1, 1] }),
        node("Add", ["s", "c"], ["b"]),
        node("Conv", ["b", "second"], ["y"]),
      ],
      initializers: [stem, body, bias, second],
      inputs: [valueInfo("x", "float32", ["batch", 3, "height", "width"])],
      outputs: [valueInfo("y", "float32", ["batch", 2, "h", "w"])],
    });
    const { small, report } = await removed(block, image);
    expect(report).toMatchObject([{ producers: ["stem", "body"], consumers: ["body", "second"], removed: 1 }]);
    expect(shapes(small)).toMatchObject({ stem: [5, 3, 3, 3], body: [5, 5, 3, 3], second: [2, 5, 3, 3] });
  });

  it("folds a constant channel of a residual block into a bias that loses channels itself", async () => {
    const stem = tensor(
      "stem",
      [CHANNELS, 3, 1, 1],
      values(18, 1).map((value, at) => (Math.floor(at / 3) === 1 ? 0 : value)),
    );
    const body = tensor(
      "body",
      [CHANNELS, CHANNELS, 1, 1],
      values(36, 2).map((value, at) => (Math.floor(at / 6) === 1 ? 0 : value)),
    );
    const last = tensor("last", [2, CHANNELS, 1, 1], values(12, 3));
    const block = model({
      nodes: [
        node("Conv", ["x", "stem", "bias"], ["s"]),
        node("Conv", ["s", "body", "bias"], ["c"]),
        node("Add", ["s", "c"], ["b"]),
        node("Conv", ["b", "last"], ["y"]),
      ],
      initializers: [stem, body, bias, last],
      inputs: [valueInfo("x", "float32", ["batch", 3, "height", "width"])],
      outputs: [valueInfo("y", "float32", ["batch", 2, "h", "w"])],
    });
    const { small, report } = await removed(block, image);
    expect(report).toMatchObject([{ removed: 1, folded: 1 }]);
    expect(shapes(small)).toMatchObject({ stem: [5, 3, 1, 1], body: [5, 5, 1, 1], last: [2, 5, 1, 1] });
  });

  it("removes the channels of a squeeze-and-excitation gate along with those it gates", async () => {
    const squeeze = tensor(
      "squeeze",
      [2, CHANNELS, 1, 1],
      values(12, 7).map((value, at) => (at % 6 === 4 ? 0 : value)),
    );
    const excite = tensor("excite", [CHANNELS, 2, 1, 1], values(12, 8));
    const gated = convs(
      [
        node("GlobalAveragePool", ["a"], ["g"]),
        node("Conv", ["g", "squeeze"], ["q"]),
        node("Relu", ["q"], ["p"]),
        node("Conv", ["p", "excite"], ["e"]),
        node("Sigmoid", ["e"], ["s"]),
        node("Mul", ["a", "s"], ["b"]),
      ],
      [0, 0, 0, 0],
      { initializers: [first, bias, squeeze, excite, second] },
    );
    const { small, report } = await removed(gated, image);
    expect(report).toMatchObject([{ producers: ["first", "excite"], consumers: ["squeeze", "second"], removed: 1 }]);
    expect(shapes(small)).toMatchObject({ first: [5, 3, 3, 3], squeeze: [2, 5, 1, 1], excite: [5, 2, 1, 1] });
  });

  it("removes channels of a depthwise convolution between, with its groups", async () => {
    // Channel 1 is constant before it, channel 2 behind it, channel 4 is not read.
    const depthwise = values(CHANNELS * 9, 30).map((value, at) => (Math.floor(at / 9) === 2 ? 0 : value));
    const initializers = [
      first,
      bias,
      second,
      tensor("depthwise", [CHANNELS, 1, 3, 3], depthwise),
      tensor("depthwiseBias", [CHANNELS], Float32Array.of(1, 2, 3, 4, 5, 6)),
    ];
    const between = (pads: readonly number[]) => [
      node("Relu", ["a"], ["r"]),
      node("Conv", ["r", "depthwise", "depthwiseBias"], ["d"], { group: CHANNELS, pads, strides: [2, 2] }),
      node("HardSwish", ["d"], ["b"]),
    ];
    const { small, report } = await removed(convs(between([0, 0, 0, 0]), [0, 0, 0, 0], { initializers }), image);
    expect(report).toEqual([{ producers: ["first"], consumers: ["second"], channels: 6, removed: 3, folded: 2 }]);
    expect(shapes(small)).toMatchObject({ first: [3, 3, 3, 3], depthwise: [3, 1, 3, 3], second: [2, 3, 3, 3] });
    // With padding, channel 1 (0.5 behind its bias) is no longer the same at all positions.
    const padded = await removed(convs(between([1, 1, 1, 1]), [0, 0, 0, 0], { initializers }), image);
    expect(padded.report).toMatchObject([{ removed: 2, folded: 1 }]);
  });

  it("keeps a multiple of 8 channels of convolutions, unless told otherwise", async () => {
    const wide = (channels: number) => {
      const last = values(2 * channels * 9, 2).map((value, at) => (Math.floor(at / 9) % channels >= 5 ? 0 : value));
      return model({
        nodes: [node("Conv", ["x", "first"], ["a"]), node("Relu", ["a"], ["b"]), node("Conv", ["b", "last"], ["y"])],
        initializers: [
          tensor("first", [channels, 3, 3, 3], values(channels * 27, 1)),
          tensor("last", [2, channels, 3, 3], last),
        ],
        inputs: [valueInfo("x", "float32", ["batch", 3, "height", "width"])],
        outputs: [valueInfo("y", "float32", ["batch", 2, "h", "w"])],
      });
    };
    const { model: small, report } = removeZeroChannels(wide(20));
    expect(shapes(small)).toMatchObject({ first: [8, 3, 3, 3], last: [2, 8, 3, 3] });
    expect(report).toMatchObject([{ channels: 20, removed: 12 }]);
    expect(report[0]!.reason).toMatch(/number of channels that they are fast with/);
    expect(removeZeroChannels(wide(7)).report).toMatchObject([{ channels: 7, removed: 0 }]);
    expect(shapes(removeZeroChannels(wide(20), { channelMultiple: 2 }).model)).toMatchObject({ first: [6, 3, 3, 3] });
    await expectSameOutputs([wide(20), small], image, TOLERANCE);
    expect(() => removeZeroChannels(wide(20), { channelMultiple: 0 })).toThrow(/channelMultiple is 0/);
  });

  it("stops at Flatten, which mixes channels and positions", () => {
    const flat = model({
      nodes: [
        node("Conv", ["x", "first", "bias"], ["a"]),
        node("Flatten", ["a"], ["f"]),
        node("MatMul", ["f", "W"], ["y"]),
      ],
      initializers: [first, bias, tensor("W", [CHANNELS * 25, 2], values(CHANNELS * 50, 3))],
      inputs: [valueInfo("x", "float32", ["batch", 3, 7, 7])],
      outputs: [valueInfo("y", "float32", ["batch", 2])],
    });
    expect(removeZeroChannels(flat).report[0]!.reason).toMatch(/Flatten "f" reads them/);
  });
});
