import { nm, unstructured } from "@espalier/core";
import { encodeWeights, type WeightChoice } from "@espalier/export";
import {
  AttributeProto_AttributeType,
  decodeModel,
  type Model,
  prunableWeights,
  rewriteGraph,
  TensorProto_DataType,
  tensorBytes,
  walkTensors,
  withFields,
} from "@espalier/onnx";
import { buildModel, functionBody, graph, node, random, tensor, valueInfo } from "@espalier/testkit";
import { type Check, type VerifyOptions, verifyPruned } from "@espalier/verify";
import { describe, expect, it } from "vitest";
import { edited, checksOf as judge, failuresOf as judgeFailures, pruned, reread } from "../../test-support/judging.js";

/** Models whose weights are computed: what a dense one is judged by, they are judged by. Each fault is found by its check. */

const numbers = random(21);
const W1 = numbers.float32(32 * 24);
const W2 = numbers.float32(16 * 24);
const b = numbers.float32(16);

/** x [n, 32] · W1 [32, 24], Relu, Gemm with W2 [16, 24] transposed. */
const original = decodeModel(
  buildModel({
    nodes: [
      node("MatMul", ["x", "W1"], ["h"], {}, { name: "first" }),
      node("Relu", ["h"], ["a"]),
      node("Gemm", ["a", "W2", "b"], ["y"], { transB: 1 }, { name: "second" }),
    ],
    initializers: [tensor("W1", [32, 24], W1), tensor("W2", [16, 24], W2), tensor("b", [16], b)],
    inputs: [valueInfo("x", "float32", ["n", 32])],
    outputs: [valueInfo("y", "float32", ["n", 16])],
    metadata: { author: "somebody" },
  }),
);

function encode(model: Model, choice: WeightChoice): Model {
  const names = prunableWeights(model).flatMap(({ name, prunable }) => (prunable ? [name] : []));
  return reread(encodeWeights(model, new Map(names.map((name) => [name, choice]))));
}

const checksOf = (judged: Model, options?: Partial<VerifyOptions>) => judge(original, judged, options);
const failuresOf = (judged: Model, options?: Partial<VerifyOptions>) => judgeFailures(original, judged, options);

const half = pruned(original, unstructured(0.5));
const twoOfFour = pruned(original, nm(2, 4));

describe("an encoded model", () => {
  it.each([
    ["bitmask", half],
    ["gap", half],
    ["coo", half],
    ["nm", twoOfFour],
    ["bitmask", twoOfFour],
  ])("passes what the dense one passes, for the same numbers: %s", async (encoding, dense) => {
    const asked = { minSparsity: 0.5, maxOutputError: 10 };
    const [before, after] = [
      await checksOf(dense, asked),
      await checksOf(encode(dense, { encoding, values: "exact" }), asked),
    ];
    for (const check of ["pattern", "sparsity", "kept-weights", "record", "idempotent", "outputs"]) {
      expect(after.get(check)).toEqual(before.get(check));
      expect(after.get(check)).toMatchObject({ status: "passed" });
    }
    expect(after.get("rest-unchanged")).toMatchObject({
      status: "passed",
      message: expect.stringMatching(/^nothing but prunable weights .*; 2 tensors read through decoders$/),
    });
  });

  it.each([
    [
      "float16",
      /2 weights stored as float16 and off by at most 0\.00\d+, each entry by at most half a unit in the last of float16's 11 bits$/,
    ],
    [
      "int8",
      /2 weights stored as int8 and off by at most 0\.00?\d+, each entry by at most half a step of its out channel$/,
    ],
  ])("says how far numbers moved that are stored as %s", async (values, message) => {
    for (const encoding of ["bitmask", "gap", "dense"]) {
      for (const dequantize of ["multiply", "linear"] as const) {
        const checks = await checksOf(encode(half, { encoding, values, dequantize }), { minSparsity: 0.5 });
        for (const check of ["pattern", "sparsity", "kept-weights", "record", "idempotent", "rest-unchanged"]) {
          expect([check, checks.get(check)]).toMatchObject([check, { status: "passed" }]);
        }
        expect(checks.get("kept-weights")!.message).toMatch(message);
      }
    }
  });
});

describe("faults inside an encoded weight", () => {
  /** The tensor that a part of an encoded weight is stored in. */
  const part = (name: string): string => `espalier/weights/W1/${name}`;
  const nonZero = (model: Model): number => new Float32Array(bytesOf(model, "W1").buffer).findIndex((one) => one !== 0);
  const bytesOf = (model: Model, name: string): Uint8Array<ArrayBuffer> =>
    tensorBytes(model, [...walkTensors(model.proto)].find(({ tensor: one }) => one.name === name)!.tensor);

  it("finds a kept weight that moved by one unit in the last place inside a bitmask", async () => {
    const broken = edited(encode(half, { encoding: "bitmask" }), part("values"), (bytes) => {
      new Uint32Array(bytes.buffer)[0]! += 1; // the first that was kept
    });
    const at = nonZero(half);
    const was = new Uint32Array(W1.buffer)[at]!.toString(16).padStart(8, "0");
    expect(await failuresOf(broken)).toEqual({
      "kept-weights": expect.stringContaining(
        `weight "W1" [${Math.floor(at / 24)}, ${at % 24}]: bits 0x${was} became 0x`,
      ),
    });
  });

  it("finds a weight that is not zero any more inside a bitmask", async () => {
    const dense = edited(half, "W1", (bytes) => {
      const values = new Float32Array(bytes.buffer);
      const at = values.indexOf(0);
      values[at] = W1[at]!;
    });
    const failures = await failuresOf(encode(dense, { encoding: "bitmask" }), { minSparsity: 0.5 });
    expect(Object.keys(failures)).toEqual(["pattern", "sparsity", "idempotent"]);
    expect(failures.pattern).toContain(
      'weight "W1" (unstructured): 383 of 768 entries are zero, sparsity 0.5 asks for 384',
    );
  });

  it("finds a 2:4 group that is broken along the reduction axis, in a weight that was encoded as a bitmask", async () => {
    const dense = edited(twoOfFour, "W1", (bytes) => {
      const values = new Float32Array(bytes.buffer);
      const at = values.indexOf(0);
      values[at] = W1[at]!;
    });
    const failures = await failuresOf(encode(dense, { encoding: "bitmask" }));
    expect(Object.keys(failures)).toEqual(["pattern", "idempotent"]);
    expect(failures.pattern).toMatch(/^weight "W1" \(2:4\): .*: 3 entries are not zero, 2:4 allows 2; 1 of 2 weights/);
  });

  it("finds positions that were moved: numbers are there, in the wrong places", async () => {
    const broken = edited(encode(twoOfFour, { encoding: "nm" }), part("codes"), (bytes) => {
      bytes[0]! += bytes[0] === 215 ? -1 : 1; // another pattern in the first of three groups
    });
    expect(Object.keys(await failuresOf(broken))).toEqual(["kept-weights"]);
  });

  it("does not take a touched float32 weight for a rounded one because its decoder holds bytes", async () => {
    const broken = edited(encode(half, { encoding: "gap" }), part("values"), (bytes) => {
      const values = new Float32Array(bytes.buffer);
      values[7] = values[7]! * (1 + 1e-4); // far less than half a step of int8
    });
    expect(Object.keys(await failuresOf(broken))).toEqual(["kept-weights"]);
  });

  it("does not take a large constant of a decoder for a step that any number is near a multiple of", async () => {
    const broken = edited(encode(half, { encoding: "gap" }), part("values"), (bytes) => {
      new Float32Array(bytes.buffer).fill(0.25);
    });
    const producer = broken.proto.graph!.node.find(({ output }) => output[0] === "W1")!;
    const scaled = [
      { ...producer, output: ["wide"] },
      node("Mul", ["wide", "big"], ["wider"]),
      node("Div", ["wider", "big"], ["W1"]),
    ];
    const big = tensor("big", [], Float32Array.of(2 ** 20));
    const model = reread(rewriteGraph(broken, { replace: new Map([[producer, scaled]]), initializers: [big] }));
    expect(Object.keys(await failuresOf(model))).toEqual(["kept-weights"]);
  });

  it.each([
    ["int8", Int8Array, "further off than int8 rounds (0.0"],
    ["float16", Uint16Array, "further off than float16 rounds (0.00"],
  ])("finds a number of %s that is one step off", async (values, Integers, message) => {
    const broken = edited(encode(half, { encoding: "gap", values }), part("values"), ({ buffer }) => {
      new Integers(buffer)[40]! += 1;
    });
    expect(await failuresOf(broken)).toEqual({ "kept-weights": expect.stringContaining(message) });
  });

  it("finds a scale that is 1 % off", async () => {
    const broken = edited(encode(half, { encoding: "bitmask", values: "int8" }), part("scales"), (bytes) => {
      new Float32Array(bytes.buffer)[3]! *= 1.01; // moves entries above 50 steps by more than half of one
    });
    expect(await failuresOf(broken)).toEqual({ "kept-weights": expect.stringContaining("further off than int8") });
  });
});

describe("faults of decoders", () => {
  const encoded = encode(half, { encoding: "bitmask" });
  const producer = (name: string) => encoded.proto.graph!.node.find(({ output }) => output[0] === name)!;
  const operation = (op: string, inputs: string[], output: string) => node(op, inputs, [output]);
  const renamed = (output: string) => ({ ...producer("W1"), output: [output] });

  it("finds one that gives another shape", async () => {
    const broken = reread(
      rewriteGraph(encoded, {
        replace: new Map([[producer("W1"), [renamed("wide"), operation("Transpose", ["wide"], "W1")]]]),
      }),
    );
    const failures = await failuresOf(broken);
    expect(failures).toMatchObject({
      pattern: expect.stringContaining(
        'weight "W1" cannot be read from the pruned model: it is decoded to shape [24, 32]',
      ),
      "kept-weights": expect.stringContaining("it is decoded to shape [24, 32] instead of [32, 24]"),
    });
  });

  it("finds one that the runtime refuses", async () => {
    const broken = reread(
      rewriteGraph(encoded, {
        replace: new Map([[producer("W1"), [renamed("wide"), operation("NoSuchOperator", ["wide"], "W1")]]]),
      }),
    );
    expect(await failuresOf(broken)).toMatchObject({
      "kept-weights": expect.stringMatching(/cannot be read .*the runtime refuses it: .*NoSuchOperator/s),
      loads: expect.stringContaining("NoSuchOperator"),
    });
  });

  it("finds one that is not constant", async () => {
    const noise = [
      renamed("wide"),
      operation("RandomNormalLike", ["wide"], "noise"),
      operation("Add", ["wide", "noise"], "W1"),
    ];
    const broken = reread(rewriteGraph(encoded, { replace: new Map([[producer("W1"), noise]]) }));
    expect(await failuresOf(broken)).toMatchObject({
      "kept-weights": expect.stringContaining("RandomNormalLike puts out something else in every run"),
    });
  });

  it.each([
    ["a subgraph", node("If", ["yes"], ["W1"], { then_branch: branch(), else_branch: branch() })],
    ["a function", node("Noise", ["stored"], ["W1"], {}, { domain: "own" })],
  ])("finds one that is not constant because of what is in %s", async (_, decoder) => {
    const before = decodeModel(
      buildModel({
        nodes: [node("MatMul", ["x", "W1"], ["y"])],
        initializers: [tensor("W1", [32, 24], W1)],
        inputs: [valueInfo("x", "float32", ["n", 32])],
        outputs: [valueInfo("y", "float32", ["n", 24])],
        opsetImports: [{ domain: "own", version: 1 }],
        functions: [functionBody({ name: "Noise", domain: "own", inputs: ["stored"], outputs: ["w"], nodes: noise() })],
      }),
    );
    const { initializer, node: nodes } = before.proto.graph!;
    const broken = reread(
      rewriteGraph(before, {
        remove: new Set(initializer),
        replace: new Map([[nodes[0]!, [decoder, nodes[0]!]]]),
        initializers: [tensor("stored", [32, 24], W1), tensor("yes", [], { dtype: "bool", bits: Uint8Array.of(1) })],
      }),
    );
    expect(await judgeFailures(before, broken)).toMatchObject({
      "kept-weights": expect.stringContaining("RandomNormalLike puts out something else in every run"),
    });
  });

  function noise() {
    return [node("RandomNormalLike", ["stored"], ["noise"]), node("Add", ["stored", "noise"], ["w"])];
  }

  function branch() {
    return graph({ nodes: noise(), outputs: [valueInfo("w", "float32", [32, 24])] });
  }

  it("finds one that depends on an input of the model", async () => {
    const mixed = [renamed("wide"), operation("ReduceSum", ["x"], "sum"), operation("Mul", ["wide", "sum"], "W1")];
    const broken = reread(rewriteGraph(encoded, { replace: new Map([[producer("W1"), mixed]]) }));
    expect(await failuresOf(broken)).toMatchObject({
      "kept-weights": expect.stringContaining("it is not computed from constants alone"),
    });
  });

  it("finds a node that is beside decoders, and one that reads out of them", async () => {
    const relu = encoded.proto.graph!.node.find(({ output }) => output[0] === "a")!;
    const twice = [node("Relu", ["h"], ["a0"]), node("Relu", ["a0"], ["a"])];
    const extra = reread(rewriteGraph(encoded, { replace: new Map([[relu, twice]]) }));
    expect(await failuresOf(extra)).toEqual({
      "rest-unchanged": expect.stringMatching(/graph\.node: 3 entries became 4, new: "a0"/),
    });
    const gathered = encoded.proto.graph!.node.find(({ output }) => output[0]!.startsWith("espalier/weights/W1/"))!;
    const reader = node("Identity", [gathered.output[0]!], ["spy"]);
    const spied = reread(rewriteGraph(encoded, { replace: new Map([[relu, [relu, reader]]]) }));
    expect((await failuresOf(spied))["rest-unchanged"]).toMatch(/^graph\.node: 3 entries became \d, new: .*"spy"/);
  });

  it("finds a weight that stays beside another one that is read instead", async () => {
    const product = encoded.proto.graph!.node.find(({ output }) => output[0] === "h")!;
    const halved = [node("Mul", ["W1", "half"], ["W1/halved"]), { ...product, input: ["x", "W1/halved"] }];
    const half = tensor("half", [], Float32Array.of(0.5));
    const broken = reread(rewriteGraph(encoded, { replace: new Map([[product, halved]]), initializers: [half] }));
    expect((await failuresOf(broken))["rest-unchanged"]).toContain('graph.node: 3 entries became 4, new: "W1/halved"');
  });
});

describe("decoders by somebody else", () => {
  it("may be a Constant that holds a sparse tensor", async () => {
    const encoded = encode(half, { encoding: "coo" });
    const { sparseInitializer, node: nodes } = encoded.proto.graph!;
    const sparseTensor = sparseInitializer.find(({ values }) => values!.name === "W1")!;
    const constant = node("Constant", [], ["W1"], { sparse_value: 0 });
    Object.assign(constant.attribute[0]!, { type: AttributeProto_AttributeType.SPARSE_TENSOR, sparseTensor });
    const held = rewriteGraph(encoded, {
      remove: new Set([sparseTensor.values!]),
      replace: new Map([[nodes[0]!, [constant, nodes[0]!]]]),
    });
    const checks = await checksOf(reread(held));
    expect(checks.get("kept-weights")).toEqual((await checksOf(half)).get("kept-weights"));
    expect(checks.get("rest-unchanged")).toMatchObject({ status: "passed" });
  });

  const plain = half.proto.graph!.initializer.find(({ name }) => name === "W1")!;
  const product = half.proto.graph!.node.find(({ output }) => output[0] === "h")!;

  it("are found through the node that reads them where the weight has another name", async () => {
    const values = new Float32Array(tensorBytes(half, plain).buffer);
    const doubled = tensor(
      "stored",
      [2, 32, 12],
      Float32Array.from(values, (value) => value * 2),
    );
    const decoder = [
      node("Reshape", ["stored", "shape"], ["flat"]),
      node("Mul", ["flat", "half"], ["W1_dequantized"]),
      { ...product, input: ["x", "W1_dequantized"] },
    ];
    const foreign = reread(
      rewriteGraph(half, {
        remove: new Set([plain]),
        replace: new Map([[product, decoder]]),
        initializers: [
          doubled,
          tensor("shape", [2], BigInt64Array.of(32n, 24n)),
          tensor("half", [], Float32Array.of(0.5)),
        ],
      }),
    );
    const checks = await checksOf(foreign);
    expect(checks.get("rest-unchanged")).toMatchObject({
      status: "passed",
      message: expect.stringContaining("1 tensor read through decoders"),
    });
    expect(checks.get("kept-weights")!.message).toMatch(/^576 entries of 2 weights became zero/);
    expect(await failuresOf(foreign)).toEqual({});
  });
});

describe("values under other names", () => {
  /** W1 is computed unless it is stored; the product and what the branches hand out are called as given. */
  function branched(isStored: boolean, product: string, inner: string): Model {
    const body = () =>
      graph({ nodes: [node("Relu", ["x"], [inner])], outputs: [valueInfo(inner, "float32", ["n", 32])] });
    const doubled = W1.map((value) => value * 2);
    return decodeModel(
      buildModel({
        nodes: [
          ...(isStored ? [] : [node("Mul", ["doubled", "half"], ["W1"])]),
          node("MatMul", ["x", "W1"], [product], {}, { name: "first" }),
          node("Relu", [product], ["y"]),
          node("If", ["c"], ["z"], { then_branch: body(), else_branch: body() }),
        ],
        initializers: isStored
          ? [tensor("W1", [32, 24], W1)]
          : [tensor("doubled", [32, 24], doubled), tensor("half", [], Float32Array.of(0.5))],
        inputs: [valueInfo("x", "float32", ["n", 32]), valueInfo("c", "bool", [])],
        outputs: [valueInfo("y", "float32", ["n", 24]), valueInfo("z", "float32", ["n", 32])],
      }),
    );
  }

  it("are called as in the original, unless a subgraph has that name for a value of its own", async () => {
    const before = branched(true, "h", "inner");
    expect(await judgeFailures(before, branched(false, "g", "inner"))).toEqual({});
    expect(await judgeFailures(before, branched(false, "g", "h"))).toEqual({
      "rest-unchanged": expect.stringContaining('"g"'),
    });
  });
});

describe("texts", () => {
  const words = (name: string, ...texts: string[]) =>
    withFields(tensor(name, [texts.length], new Uint8Array(texts.length), "typed"), {
      dataType: TensorProto_DataType.STRING,
      int32Data: [],
      stringData: texts.map((text) => new TextEncoder().encode(text)),
    });

  /** Words that are stored as an initializer, in a `Constant` node's tensor, or as its list; W1 is computed unless it is stored. */
  function worded(where: "stored" | "constant" | "list", isStored: boolean): Model {
    return decodeModel(
      buildModel({
        nodes: [
          ...(isStored ? [] : [node("Mul", ["doubled", "half"], ["W1"])]),
          ...(where === "list" ? [node("Constant", [], ["words"], { value_strings: ["a", "b"] })] : []),
          ...(where === "constant" ? [node("Constant", [], ["words"], { value: words("", "a", "b") })] : []),
          node("MatMul", ["x", "W1"], ["y"]),
          node("Gather", ["words", "i"], ["z"]),
        ],
        initializers: [
          ...(where === "stored" ? [words("words", "a", "b")] : []),
          ...(isStored
            ? [tensor("W1", [32, 24], W1)]
            : [
                tensor(
                  "doubled",
                  [32, 24],
                  W1.map((value) => value * 2),
                ),
                tensor("half", [], Float32Array.of(0.5)),
              ]),
        ],
        inputs: [valueInfo("x", "float32", ["n", 32]), valueInfo("i", "int64", [])],
        outputs: [valueInfo("y", "float32", ["n", 24]), valueInfo("z", "string", [])],
      }),
    );
  }

  it("are not read from decoders: that is a difference", async () => {
    const before = worded("stored", true);
    expect(await judgeFailures(before, worded("stored", false))).toEqual({});
    expect(await judgeFailures(before, worded("list", true))).toEqual({
      "rest-unchanged": expect.stringContaining('gone: "words"'),
    });
    expect(await judgeFailures(worded("constant", true), worded("stored", false))).toEqual({
      "rest-unchanged": expect.stringContaining('new: "words"'),
    });
  });
});

describe("a model that was raised to opset 11 for its decoders", () => {
  const limits = { min: { float: -0.5 }, max: { float: 0.75 } };
  const old = (clip: Readonly<Record<string, { float: number }>> = limits) =>
    decodeModel(
      buildModel({
        nodes: [
          node("MatMul", ["x", "W1"], ["h"]),
          node("Clip", ["h"], ["c"], clip),
          node("Slice", ["c"], ["y"], { starts: [1], ends: [9], axes: [1] }),
        ],
        initializers: [tensor("W1", [32, 24], W1)],
        inputs: [valueInfo("x", "float32", ["n", 32])],
        outputs: [valueInfo("y", "float32", ["n", 8])],
        opset: 9,
      }),
    );
  const restOf = async (pruned: Model): Promise<Check> => {
    const { checks } = await verifyPruned({ original: old(), pruned });
    return checks.find(({ name }) => name === "rest-unchanged")!;
  };

  it("is the same: attributes are inputs now, and the message says so", async () => {
    for (const encoding of ["bitmask", "gap"]) {
      expect(await restOf(encode(old(), { encoding }))).toMatchObject({
        status: "passed",
        message: expect.stringContaining("ONNX's operators are of version 11 instead of 9"),
      });
    }
  });

  it("is not the same where an attribute says something else", async () => {
    const changed = encode(old({ ...limits, max: { float: 0.8 } }), { encoding: "bitmask" });
    expect(await restOf(changed)).toMatchObject({
      status: "failed",
      message: expect.stringContaining('"c".input: 1 entries became 3'),
    });
    const { max: _, ...open } = limits;
    expect(await restOf(encode(old(open), { encoding: "bitmask" }))).toMatchObject({ status: "failed" });
  });
});

describe("in WebAssembly", () => {
  it("reads the same", async () => {
    const encoded = encode(half, { encoding: "bitmask", values: "int8" });
    const [native, web] = [await checksOf(encoded), await checksOf(encoded, { backend: "web" })];
    for (const check of ["pattern", "kept-weights", "idempotent"]) expect(web.get(check)).toEqual(native.get(check));
  });
});
