import { removeZeroChannels } from "@espalier/export";
import { decodeModel, type Model } from "@espalier/onnx";
import { buildModel, type ModelParts, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { floats } from "../../test-support/block-models.js";
import { removed, shapes, values } from "../../test-support/removal.js";

const HIDDEN = 8;

/** Hidden units that nobody reads, and those without inputs: 6 in both lists. */
const UNREAD = [1, 6];
const WITHOUT_INPUT = [2, 3, 6];

/** `[rows, columns]` with some rows or columns zero. */
function matrix(
  rows: number,
  columns: number,
  zero: { rows?: readonly number[]; columns?: readonly number[] },
  seed = 1,
) {
  return values(rows * columns, seed).map((value, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    return zero.rows?.includes(row) || zero.columns?.includes(column) ? 0 : value;
  }) as Float32Array<ArrayBuffer>;
}

const x = valueInfo("x", "float32", ["batch", "seq", 5]);
const up = tensor("up", [5, HIDDEN], matrix(5, HIDDEN, { columns: WITHOUT_INPUT }));
const down = tensor("down", [HIDDEN, 3], matrix(HIDDEN, 3, { rows: UNREAD }, 2));
const upBias = tensor("upBias", [HIDDEN], Float32Array.of(1, -1, 0.75, -0.75, 2, -2, 3, -3));
const downBias = tensor("downBias", [3], values(3, 3));

function model(parts: Partial<ModelParts> & Pick<ModelParts, "nodes">): Model {
  return decodeModel(
    buildModel({
      initializers: [up, upBias, down, downBias],
      inputs: [x],
      outputs: [valueInfo("y", "float32", ["batch", "seq", 3])],
      ...parts,
    }),
  );
}

/** `down(act(up(x)))` with biases, the activation written as some nodes from `a` to `b`. */
function feedForward(activation: ModelParts["nodes"], more: Partial<ModelParts> = {}): Model {
  return model({
    nodes: [
      node("MatMul", ["x", "up"], ["u"]),
      node("Add", ["u", "upBias"], ["a"]),
      ...activation,
      node("MatMul", ["b", "down"], ["d"]),
      node("Add", ["downBias", "d"], ["y"]),
    ],
    ...more,
  });
}

const relu = [node("Relu", ["a"], ["b"])];
const feeds = { x: floats([2, 3, 5]) };

describe("removeZeroChannels, between two products", () => {
  it("removes hidden units that nobody reads, and folds those without inputs into the next bias", async () => {
    const { small, report } = await removed(feedForward(relu), feeds);
    expect(shapes(small)).toMatchObject({ up: [5, 4], upBias: [4], down: [4, 3], downBias: [3] });
    // Units 2 and 3 have no inputs: relu(0.75) is added to the next bias, relu(−0.75) = 0 changes nothing.
    expect(report).toEqual([{ producers: ["up"], consumers: ["down"], channels: 8, removed: 4, folded: 2 }]);
  });

  it.each<[string, ModelParts["nodes"], Partial<ModelParts>?]>([
    ["Sigmoid and Mul (SiLU)", [node("Sigmoid", ["a"], ["s"]), node("Mul", ["a", "s"], ["b"])]],
    [
      "Gelu written out with Erf",
      [
        node("Div", ["a", "root"], ["q"]),
        node("Erf", ["q"], ["e"]),
        node("Add", ["e", "one"], ["p"]),
        node("Mul", ["a", "p"], ["m"]),
        node("Mul", ["m", "half"], ["b"]),
      ],
    ],
    ["Gelu", [node("Gelu", ["a"], ["b"])], { opset: 20, irVersion: 9 }],
    ["Gelu by tanh", [node("Gelu", ["a"], ["b"], { approximate: "tanh" })], { opset: 20, irVersion: 9 }],
    ["Tanh", [node("Tanh", ["a"], ["b"])]],
    ["LeakyRelu", [node("LeakyRelu", ["a"], ["b"], { alpha: 0.1 })]],
    ["Elu", [node("Elu", ["a"], ["b"])]],
    ["HardSwish", [node("HardSwish", ["a"], ["b"])]],
    ["HardSigmoid", [node("HardSigmoid", ["a"], ["b"], { alpha: 0.3 })]],
    ["Softplus", [node("Softplus", ["a"], ["b"])]],
    ["Mish", [node("Mish", ["a"], ["b"])], { opset: 18 }],
    ["Clip with limits", [node("Clip", ["a", "zero", "half"], ["b"])]],
    ["PRelu per channel", [node("PRelu", ["a", "slope"], ["b"])]],
    ["a scale per channel, of rank 3", [node("Mul", ["a", "scale"], ["b"])]],
    ["Identity and Dropout", [node("Identity", ["a"], ["i"]), node("Dropout", ["i"], ["b"])]],
    [
      "Softsign, Abs, Neg, Exp, Sqrt",
      ["Softsign", "Abs", "Neg", "Exp", "Sqrt"].map((op, at, all) =>
        node(op, [at === 0 ? "a" : `v${at}`], [at === all.length - 1 ? "b" : `v${at + 1}`]),
      ),
    ],
  ])("computes the same with %s between", async (_, activation, more = {}) => {
    const scalar = (name: string, value: number) => tensor(name, [], Float32Array.of(value));
    const extra = [
      scalar("root", Math.SQRT2),
      scalar("one", 1),
      scalar("half", 0.5),
      scalar("zero", 0),
      tensor("slope", [HIDDEN], values(HIDDEN, 7)),
      tensor("scale", [1, 1, HIDDEN], values(HIDDEN, 8)),
    ];
    const used = new Set(activation.flatMap(({ input }) => input));
    const initializers = [up, upBias, down, downBias, ...extra.filter(({ name }) => used.has(name))];
    const { small, report } = await removed(feedForward(activation, { initializers, ...more }), feeds);
    expect(report).toMatchObject([{ removed: 4, folded: 2 }]);
    expect(report[0]!.reason).toBeUndefined();
    expect(shapes(small)).toMatchObject({ up: [5, 4], down: [4, 3] });
  });

  it("removes the units of both branches of a gated layer", async () => {
    const gate = tensor("gate", [5, HIDDEN], matrix(5, HIDDEN, { columns: WITHOUT_INPUT }, 5));
    const gated = feedForward(
      [node("MatMul", ["x", "gate"], ["g"]), node("Sigmoid", ["g"], ["s"]), node("Mul", ["a", "s"], ["b"])],
      { initializers: [up, upBias, gate, down, downBias] },
    );
    const { small, report } = await removed(gated, feeds);
    expect(report).toEqual([{ producers: ["up", "gate"], consumers: ["down"], channels: 8, removed: 4, folded: 2 }]);
    expect(shapes(small)).toMatchObject({ up: [5, 4], gate: [5, 4], upBias: [4], down: [4, 3] });
  });

  it("adds the constants where the next layer has no bias, and in each of several readers", async () => {
    const second = tensor("second", [HIDDEN, 2], matrix(HIDDEN, 2, { rows: UNREAD }, 6));
    const { small } = await removed(
      model({
        nodes: [
          node("MatMul", ["x", "up"], ["u"]),
          node("Add", ["u", "upBias"], ["a"]),
          node("Relu", ["a"], ["b"]),
          node("MatMul", ["b", "down"], ["y"]),
          node("MatMul", ["b", "second"], ["z"]),
        ],
        initializers: [up, upBias, down, second],
        outputs: ["y", "z"].map((name) => valueInfo(name, "float32", ["batch", "seq", "width"])),
      }),
      feeds,
    );
    expect(shapes(small)).toMatchObject({ up: [5, 4], down: [4, 3], second: [4, 2] });
    expect(small.proto.graph!.node.filter(({ opType }) => opType === "Add")).toHaveLength(3);
  });

  it("keeps a unit that one of two readers uses", async () => {
    const second = tensor("second", [HIDDEN, 2], matrix(HIDDEN, 2, { rows: [6] }, 6));
    const { report } = await removed(
      feedForward([...relu, node("MatMul", ["b", "second"], ["z"])], {
        initializers: [up, upBias, down, downBias, second],
        outputs: [valueInfo("y", "float32", ["batch", "seq", 3]), valueInfo("z", "float32", ["batch", "seq", 2])],
      }),
      feeds,
    );
    expect(report).toMatchObject([{ removed: 3, folded: 2 }]);
  });

  it.each([
    ["plain", {}, {}],
    ["transB, alpha and beta", { transB: 1, alpha: 0.5, beta: { float: 2 } }, { transB: 1, alpha: -1.5, beta: 0.25 }],
    ["transA in front", { transA: 1 }, {}],
  ] as const)("takes Gemm: %s", async (_, first, second) => {
    const a = matrix(5, HIDDEN, { columns: WITHOUT_INPUT });
    const b = matrix(HIDDEN, 3, { rows: UNREAD }, 2);
    const flip = (m: Float32Array, rows: number) => {
      const columns = m.length / rows;
      return Float32Array.from(m, (_value, at) => m[(at % rows) * columns + Math.floor(at / rows)]!);
    };
    for (const biases of [["upBias", "downBias"], ["upBias"], []]) {
      const gemms = model({
        nodes: [
          node("Gemm", ["x", "up", ...biases.slice(0, 1)], ["a"], first),
          node("Relu", ["a"], ["b"]),
          node("Gemm", ["b", "down", ...biases.slice(1)], ["y"], second),
        ],
        initializers: [
          "transB" in first ? tensor("up", [HIDDEN, 5], flip(a, 5)) : tensor("up", [5, HIDDEN], a),
          "transB" in second ? tensor("down", [3, HIDDEN], flip(b, HIDDEN)) : tensor("down", [HIDDEN, 3], b),
          ...[upBias, downBias].filter(({ name }) => biases.includes(name)),
        ],
        inputs: [valueInfo("x", "float32", "transA" in first ? [5, "rows"] : ["rows", 5])],
        outputs: [valueInfo("y", "float32", ["rows", 3])],
      });
      const { report } = await removed(gemms, { x: floats("transA" in first ? [5, 4] : [4, 5]) });
      expect(report).toMatchObject([{ removed: 4 }]);
    }
  });

  it("follows what becomes constant through several layers", async () => {
    const deep = model({
      nodes: [
        node("Gemm", ["x", "up", "upBias"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("Gemm", ["b", "middle", "middleBias"], ["c"]),
        node("Relu", ["c"], ["d"]),
        node("Gemm", ["d", "last"], ["y"]),
      ],
      initializers: [
        up,
        upBias,
        // Unit 4 of the second layer reads only unit 2 of the first, which is constant: so is unit 4.
        tensor(
          "middle",
          [HIDDEN, 6],
          matrix(HIDDEN, 6, { rows: UNREAD }, 2).map((value, at) => (at % 6 === 4 && at !== 2 * 6 + 4 ? 0 : value)),
        ),
        tensor("middleBias", [6], new Float32Array(6).fill(5)),
        tensor("last", [6, 3], values(18, 4)),
      ],
      inputs: [valueInfo("x", "float32", ["rows", 5])],
      outputs: [valueInfo("y", "float32", ["rows", 3])],
    });
    const { small, report } = await removed(deep, { x: floats([4, 5]) });
    expect(shapes(small)).toMatchObject({ up: [5, 4], middle: [4, 5], last: [5, 3] });
    expect(report).toMatchObject([
      { producers: ["up"], consumers: ["middle"], removed: 4, folded: 2 },
      { producers: ["middle"], consumers: ["last"], channels: 6, removed: 1, folded: 1 },
    ]);
  });

  it("leaves one unit where none is needed", async () => {
    const nothing = feedForward(relu, {
      initializers: [up, upBias, tensor("down", [HIDDEN, 3], new Float32Array(24)), downBias],
    });
    const { small, report } = await removed(nothing, feeds);
    expect(shapes(small)).toMatchObject({ up: [5, 1], down: [1, 3] });
    expect(report).toMatchObject([
      { channels: 8, removed: 7, reason: "one channel has to stay" },
      { producers: ["down"], removed: 0, reason: '"y" is an output of the model or read in a subgraph' },
    ]);
  });
});

describe("removeZeroChannels, what it leaves alone", () => {
  it("gives back the model itself where no channel is zero", () => {
    const full = feedForward(relu, {
      initializers: [
        tensor("up", [5, HIDDEN], values(40, 1)),
        upBias,
        tensor("down", [HIDDEN, 3], values(24, 2)),
        downBias,
      ],
    });
    expect(removeZeroChannels(full)).toEqual({ model: full, report: [] });
    expect(removeZeroChannels(full).model).toBe(full);
  });

  const output = (name: string) => valueInfo(name, "float32", ["batch", "seq", "width"]);
  const wide = tensor("wide", [5, HIDDEN], values(40, 9));
  it.each<[string, RegExp, Model]>([
    ["hands out the hidden value", /"b" is an output/, feedForward(relu, { outputs: [output("y"), output("b")] })],
    [
      "normalises over the channels",
      /LayerNormalization "b" reads them, and it is no operator on single channels/,
      feedForward([node("LayerNormalization", ["a", "upBias"], ["b"])]),
    ],
    [
      "reads another tensor beside them",
      /the input "r" of the model has these channels/,
      feedForward([node("Add", ["a", "r"], ["b"])], {
        inputs: [x, valueInfo("r", "float32", ["batch", "seq", HIDDEN])],
      }),
    ],
    [
      "reads the weight at a second place",
      /reads a weight that others read too/,
      feedForward([...relu, node("MatMul", ["b", "down"], ["z"])], { outputs: [output("y"), output("z")] }),
    ],
    [
      "transposes them",
      /Transpose "t" reads them/,
      feedForward([node("Transpose", ["a"], ["t"], { perm: [0, 1, 2] }), node("Relu", ["t"], ["b"])]),
    ],
    [
      "adds a matrix of constants",
      /constant of shape \[3, 8\] for 8 channels/,
      feedForward([node("Add", ["a", "C"], ["b"])], {
        initializers: [up, upBias, down, downBias, tensor("C", [3, HIDDEN], values(24, 5))],
      }),
    ],
    [
      "computes a product of two such values",
      /MatMul "m" reads them/,
      feedForward(
        [
          node("Transpose", ["w"], ["t"], { perm: [0, 2, 1] }),
          node("MatMul", ["a", "t"], ["m"]),
          node("Relu", ["a"], ["b"]),
          node("MatMul", ["x", "wide"], ["w"]),
        ],
        {
          initializers: [up, upBias, down, downBias, wide],
          outputs: [output("y"), output("m")],
        },
      ),
    ],
  ])("stops where the model %s, and says so", (_, reason, original) => {
    const { model: same, report } = removeZeroChannels(original);
    expect(same).toBe(original);
    expect(report.find(({ producers }) => producers[0] === "up")).toMatchObject({ removed: 0, consumers: [] });
    expect(report[0]!.reason).toMatch(reason);
  });
});

describe("removeZeroChannels, the graph", () => {
  it("renames values whose declared shape would contradict the new one", async () => {
    const declared = feedForward(relu, {
      valueInfos: ["u", "a", "b"].map((name) => valueInfo(name, "float32", ["batch", "seq", HIDDEN])),
    });
    const { small } = await removed(declared, feeds);
    expect(small.proto.graph!.node.map(({ output }) => output[0])).not.toContain("a");
  });

  it("leaves alone what other nodes do with a constant that it shortens", async () => {
    const shared = feedForward(relu, {
      nodes: [
        node("MatMul", ["x", "up"], ["u"]),
        node("Add", ["u", "upBias"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("MatMul", ["b", "down"], ["d"]),
        node("Add", ["downBias", "d"], ["y"]),
        node("Neg", ["upBias"], ["z"]),
      ],
      outputs: [valueInfo("y", "float32", ["batch", "seq", 3]), valueInfo("z", "float32", [HIDDEN])],
    });
    const { small } = await removed(shared, feeds);
    expect(shapes(small)).toMatchObject({ upBias: [HIDDEN], up: [5, 4] });
  });

  it("takes weights from Constant nodes, and inputs that only declare them before IR version 4", async () => {
    const constants = model({
      nodes: [
        node("Constant", [], ["up"], { value: { ...up, name: "" } }),
        node("MatMul", ["x", "up"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("MatMul", ["b", "down"], ["y"]),
      ],
      initializers: [down],
    });
    expect(shapes((await removed(constants, feeds)).small)).toMatchObject({ up: [5, 4], down: [4, 3] });
    const old = feedForward(relu, {
      irVersion: 3,
      inputs: [
        x,
        ...[up, upBias, down, downBias].map(({ name, dims }) => valueInfo(name, "float32", dims.map(Number))),
      ],
    });
    const { small } = await removed(old, feeds);
    expect(small.proto.graph!.input.map(({ name }) => name)).toEqual(["x"]);
  });
});
