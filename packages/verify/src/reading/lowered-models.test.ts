import { balancedBlocks, type Pattern } from "@espalier/core";
import { type LowerOptions, lowerBlocks } from "@espalier/export";
import { decodeModel, type Model, rewriteGraph, tensorBytes, walkTensors, withTensorData } from "@espalier/onnx";
import { buildModel, type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { checksOf, edited, failuresOf, pruned as prunedAs, reread } from "../../test-support/judging.js";

/** Models whose layers are smaller products of what their blocks keep: read by asking what stands in a layer's place. */

const PATTERN = balancedBlocks(8, 16, 0.5);
const numbers = random(5);
const W = numbers.float32(32 * 48);
const bias = numbers.float32(48);

type Layer = Pick<ModelParts, "nodes" | "inputs" | "outputs" | "valueInfos"> & { readonly dims?: readonly number[] };

const flat = { inputs: [valueInfo("x", "float32", ["n", 32])], outputs: [valueInfo("z", "float32", ["n", 48])] };
const relu = node("Relu", ["y"], ["z"], {}, { name: "act" });

const LAYERS: Readonly<Record<string, Layer>> = {
  "MatMul of any batch": {
    nodes: [node("MatMul", ["x", "W"], ["h"]), node("Add", ["h", "b"], ["y"]), relu],
    inputs: [valueInfo("x", "float32", ["batch", "seq", 32])],
    outputs: [valueInfo("z", "float32", ["batch", "seq", 48])],
  },
  "MatMul of a fixed batch": {
    nodes: [node("MatMul", ["x", "W"], ["h"]), node("Add", ["b", "h"], ["y"]), relu],
    inputs: [valueInfo("x", "float32", [2, 5, 32])],
    outputs: [valueInfo("z", "float32", [2, 5, 48])],
  },
  "MatMul of a value that is not declared": {
    nodes: [node("Relu", ["x"], ["a"]), node("MatMul", ["a", "W"], ["y"]), relu],
    ...flat,
  },
  "Gemm with a bias": { nodes: [node("Gemm", ["x", "W", "b"], ["y"]), relu], ...flat },
  "Gemm, transposed on both sides": {
    nodes: [node("Gemm", ["x", "W", "b"], ["y"], { transA: 1, transB: 1 }), relu],
    inputs: [valueInfo("x", "float32", [32, "n"])],
    outputs: [valueInfo("z", "float32", ["n", 48])],
    dims: [48, 32],
  },
  "Gemm with factors": { nodes: [node("Gemm", ["x", "W", "b"], ["y"], { alpha: 0.3, beta: 2.5 }), relu], ...flat },
  "a transposed weight": {
    nodes: [node("Transpose", ["W"], ["Wt"], { perm: [1, 0] }), node("MatMul", ["x", "Wt"], ["y"]), relu],
    ...flat,
    dims: [48, 32],
  },
};

function layerModel({ nodes, inputs, outputs, valueInfos = [], dims = [32, 48] }: Layer, weight = W): Model {
  const isUsed = (name: string): boolean => nodes.some(({ input }) => input.includes(name));
  const initializers = [tensor("W", dims, weight), tensor("b", [48], bias)].filter(({ name }) => isUsed(name));
  return decodeModel(buildModel({ nodes, initializers, inputs: inputs!, outputs: outputs!, valueInfos }));
}

const prune = (model: Model, pattern: Pattern = PATTERN): Model => prunedAs(model, pattern);

function lower(model: Model, options: LowerOptions = {}): Model {
  const { model: lowered, report } = lowerBlocks(model, {
    blocks: { bk: 8, bn: 16 },
    choose: ({ forms }) => forms[0]!,
    ...options,
  });
  expect(report.map(({ form, reason }) => (form === "dense" ? reason : "lowered"))).toEqual(
    report.map(() => "lowered"),
  );
  return reread(lowered);
}

const STRUCTURE = ["pattern", "sparsity", "kept-weights", "record", "idempotent"];

describe("a lowered layer", () => {
  describe.each(Object.entries(LAYERS))("%s", (_, layer) => {
    const original = layerModel(layer);
    const pruned = prune(original);

    it.each(["multi", "bmm"] as const)("is judged as the dense one, for the same numbers: %s", async (form) => {
      const asked = { minSparsity: 0.5, maxOutputError: 10 };
      const before = await checksOf(original, pruned, asked);
      const after = await checksOf(original, lower(pruned, { choose: () => form }), asked);
      for (const check of STRUCTURE) expect(after.get(check)).toEqual(before.get(check));
      for (const check of [...STRUCTURE, "rest-unchanged", "loads", "outputs"]) {
        expect([check, after.get(check)]).toMatchObject([check, { status: "passed" }]);
      }
      expect(after.get("rest-unchanged")!.message).toMatch(/; [12] tensors? read from lowered operators$/);
    });

    it("is read in int8, to within half a step", async () => {
      const after = await checksOf(original, lower(pruned, { values: "int8" }), { minSparsity: 0.5 });
      for (const check of [...STRUCTURE, "rest-unchanged", "loads"]) {
        expect([check, after.get(check)]).toMatchObject([check, { status: "passed" }]);
      }
      expect(after.get("kept-weights")!.message).toContain("1 weight stored as int8 and off by at most 0.0");
    });
  });

  it("keeps a kept −0 and its bits where the answer is the same number", async () => {
    const withZero = W.slice();
    withZero[100] = -0;
    const original = layerModel(LAYERS["Gemm with a bias"]!, withZero);
    expect(await failuresOf(original, lower(prune(original)))).toEqual({});
  });
});

describe("a lowered layer whose input is declared", () => {
  const original = layerModel(LAYERS["MatMul of a value that is not declared"]!);
  const transposed = layerModel(turned());

  function turned(dims: readonly (number | string)[] = [32, "n"]): Layer {
    const nodes = [node("Relu", ["x"], ["a"]), node("Gemm", ["a", "W"], ["y"], { transA: 1 }), relu];
    return {
      ...flat,
      nodes,
      inputs: [valueInfo("x", "float32", [32, "n"])],
      valueInfos: [valueInfo("a", "float32", dims)],
    };
  }

  /** The layer lowered, its input declared with these sizes. */
  const declared = (...dims: number[]): Model => {
    const layer = {
      ...LAYERS["MatMul of a value that is not declared"]!,
      valueInfos: [valueInfo("a", "float32", dims)],
    };
    return lower(prune(layerModel(layer)));
  };

  it.each([-1, 0])("is read where a size is %d, which is none, and differs by that alone", async (size) => {
    expect(Object.keys(await failuresOf(original, declared(size, 32)))).toEqual(["rest-unchanged"]);
    const model = lower(prune(layerModel(turned([32, size]))));
    expect(Object.keys(await failuresOf(transposed, model))).toEqual(["rest-unchanged"]);
  });

  it("is not read, and nothing allocated, where sizes are too large to be fed", async () => {
    const cannot = (shape: string) => ({
      "kept-weights": expect.stringContaining(`an input of shape [${shape}] is too large to ask it for every entry`),
    });
    expect(await failuresOf(original, declared(2 ** 40, 32))).toMatchObject(cannot("1099511627776, 32"));
    const model = lower(prune(layerModel(turned([32, 2 ** 40]))));
    expect(await failuresOf(transposed, model)).toMatchObject(cannot("32, 1099511627776"));
  });
});

describe("a lowered convolution", () => {
  const convolution = (attributes: Readonly<Record<string, number | readonly number[] | string>>, kernel: number[]) => {
    const weight = random(9).float32(32 * 16 * kernel.reduce((a, b) => a * b, 1));
    const spatial = kernel.map((_, axis) => `size${axis}`);
    return decodeModel(
      buildModel({
        nodes: [node("Conv", ["x", "W", "b"], ["y"], attributes), relu],
        initializers: [tensor("W", [32, 16, ...kernel], weight), tensor("b", [32], bias.slice(0, 32))],
        inputs: [valueInfo("x", "float32", ["n", 16, ...spatial])],
        outputs: [valueInfo("z", "float32", ["n", 32, ...spatial.map((name) => `${name}/out`)])],
      }),
    );
  };

  it.each<[string, Readonly<Record<string, number | readonly number[] | string>>, number[]]>([
    ["1 × 1", {}, [1, 1]],
    ["3 × 3, padded", { pads: [1, 1, 1, 1] }, [3, 3]],
    ["stride 2, uneven padding", { pads: [0, 1, 2, 0], strides: [2, 2] }, [3, 3]],
    ["dilated", { pads: [2, 2, 2, 2], dilations: [2, 2] }, [3, 3]],
    ["same as the lower side, stride 3", { auto_pad: "SAME_LOWER", strides: [3, 2] }, [4, 2]],
    ["same as the upper side", { auto_pad: "SAME_UPPER" }, [2, 4]],
    ["in one dimension", { pads: [2, 2], strides: [4] }, [5]],
  ])("is read exactly: %s", async (_, attributes, kernel) => {
    const original = convolution(attributes, kernel);
    const pruned = prune(original, balancedBlocks(4, 16, 0.5));
    const lowered = lower(pruned, { blocks: { bk: 4, bn: 16 } });
    const before = await checksOf(original, pruned, { minSparsity: 0.5 });
    const after = await checksOf(original, lowered, { minSparsity: 0.5 });
    for (const check of STRUCTURE) expect(after.get(check)).toEqual(before.get(check));
    expect(after.get("rest-unchanged")).toMatchObject({ status: "passed" });
    expect(await failuresOf(original, lowered)).toEqual({});
  });
});

describe("layers that share what they read", () => {
  const heads = decodeModel(
    buildModel({
      nodes: [
        node("MatMul", ["x", "Q"], ["q0"]),
        node("MatMul", ["x", "K"], ["k0"]),
        node("Add", ["q0", "b"], ["q"]),
        node("Add", ["k0", "c"], ["k"]),
        node("MatMul", ["q", "W"], ["q1"]),
        node("MatMul", ["k", "W"], ["k1"]),
        node("Mul", ["q1", "k1"], ["y"]),
        relu,
      ],
      initializers: [
        tensor("Q", [32, 48], numbers.float32(32 * 48)),
        tensor("K", [32, 48], numbers.float32(32 * 48)),
        tensor("b", [48], bias),
        tensor("c", [48], numbers.float32(48)),
        tensor("W", [48, 48], numbers.float32(48 * 48)),
      ],
      ...flat,
    }),
  );

  it.each(["f32", "int8"] as const)("are read one by one: %s", async (values) => {
    const lowered = lower(prune(heads), { values });
    expect(await failuresOf(heads, lowered, { minSparsity: 0.5 })).toEqual({});
    const rest = (await checksOf(heads, lowered)).get("rest-unchanged")!;
    expect(rest.message).toContain(`${values === "int8" ? 5 : 3} tensors read from lowered operators`);
  });
});

describe("faults inside a lowered layer", () => {
  const original = layerModel(LAYERS["Gemm with a bias"]!);
  const pruned = prune(original);
  const lowered = lower(pruned);
  const tensors = (model: Model) => [...walkTensors(model.proto)].map((entry) => entry.tensor);
  const blocks = (model: Model) => tensors(model).filter(({ name }) => /columns|kernels|integers\/\d/.test(name));

  it("finds two blocks that are swapped", async () => {
    const [first, second] = blocks(lowered);
    expect(first!.dims).toEqual(second!.dims);
    const [a, b] = [tensorBytes(lowered, first!), tensorBytes(lowered, second!)];
    const swapped = withTensorData(
      lowered,
      new Map([
        [first!, () => b],
        [second!, () => a],
      ]),
    );
    expect(Object.keys(await failuresOf(original, reread(swapped)))).toEqual(["kept-weights"]);
  });

  it("finds inputs that are gathered from the wrong place", async () => {
    const indices = lowered.proto.graph!.node.find(({ opType }) => opType === "Gather")!.input[1]!;
    const broken = edited(lowered, indices, ({ buffer }) => {
      new BigInt64Array(buffer).reverse();
    });
    expect(Object.keys(await failuresOf(original, broken))).toEqual(["kept-weights"]);
  });

  it("finds a kept weight that moved by one unit in the last place", async () => {
    const broken = edited(lowered, blocks(lowered)[1]!.name, ({ buffer }) => {
      new Uint32Array(buffer)[5]! += 1;
    });
    expect(await failuresOf(original, broken)).toEqual({
      "kept-weights": expect.stringMatching(/^weight "W" \[\d+, 21\]: bits 0x[0-9a-f]{8} became 0x[0-9a-f]{8}; 1 such/),
    });
  });

  it("finds a block that was pruned and is there again", async () => {
    const values = new Float32Array(tensorBytes(pruned, tensors(pruned).find(({ name }) => name === "W")!).buffer);
    const from = values.findIndex((value, index) => value === 0 && index % 48 === 0);
    const refilled = edited(pruned, "W", ({ buffer }) => {
      new Float32Array(buffer)[from] = W[from]!;
    });
    const failures = await failuresOf(original, lower(refilled), { minSparsity: 0.5 });
    // One entry is less than half a block, which the check sparsity leaves to rounding.
    expect(Object.keys(failures)).toEqual(["pattern", "idempotent"]);
  });

  it("finds a changed piece of a bias", async () => {
    const convolution = decodeModel(
      buildModel({
        nodes: [node("Conv", ["x", "W", "b"], ["y"]), relu],
        initializers: [tensor("W", [48, 32, 1, 1], W), tensor("b", [48], bias)],
        inputs: [valueInfo("x", "float32", ["n", 32, 4, 4])],
        outputs: [valueInfo("z", "float32", ["n", 48, 4, 4])],
      }),
    );
    const small = lower(prune(convolution));
    expect(await failuresOf(convolution, small)).toEqual({});
    const piece = tensors(small).find(({ name }) => name.includes("/bias/"))!;
    const broken = edited(small, piece.name, ({ buffer }) => {
      new Uint32Array(buffer)[2]! += 1;
    });
    expect(await failuresOf(convolution, broken)).toEqual({
      "rest-unchanged": expect.stringMatching(/^initializer "b" at \[\d+\]: bits 0x/),
    });
  });

  /** The lowered model with a node in front of the layer's output. */
  const withBehind = (op: string, inputs: (inside: string) => string[]): Model => {
    const last = lowered.proto.graph!.node.find(({ output }) => output[0] === "y")!;
    const behind = [{ ...last, output: ["inside"] }, node(op, inputs("inside"), ["y"])];
    return reread(rewriteGraph(lowered, { replace: new Map([[last, behind]]) }));
  };

  it("finds an activation that hides among the products", async () => {
    expect(
      (
        await failuresOf(
          original,
          withBehind("Relu", (inside) => [inside]),
        )
      )["kept-weights"],
    ).toMatch(
      /^weight "W" cannot be read .*: in the place of its reader Gemm "y" stands Relu, which is not known to be linear/,
    );
  });

  it("finds that a layer's output is multiplied with itself, which no single entry shows", async () => {
    const failures = await failuresOf(
      original,
      withBehind("Mul", (inside) => [inside, inside]),
    );
    expect(failures["kept-weights"]).toMatch(/on random inputs it is off by .* from a product with the entries read/);
  });

  it("finds a bias that is added twice", async () => {
    const failures = await failuresOf(
      original,
      withBehind("Add", (inside) => [inside, "b"]),
    );
    expect(failures["kept-weights"]).toMatch(/on random inputs it is off by/);
    expect(failures.pattern).toContain('weight "W" cannot be read');
  });

  it("finds an int8 number that is two steps off", async () => {
    const small = lower(pruned, { values: "int8" });
    const name = blocks(small)[0]!.name;
    const broken = edited(small, name, ({ buffer }) => {
      const integers = new Int8Array(buffer);
      integers[3] = integers[3]! + (integers[3]! > 0 ? -2 : 2);
    });
    expect(await failuresOf(original, broken)).toEqual({
      "kept-weights": expect.stringContaining("further off than int8 rounds"),
    });
  });
});
