import { create, toBinary } from "@bufbuild/protobuf";
import { decodeModel, prunableWeights, type Weight } from "@espalier/onnx";
import { buildModel, graph, type ModelParts, node, tensor, valueInfo } from "@espalier/testkit";
import { ModelProtoSchema, SparseTensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";

const floats = (name: string, ...dims: number[]) =>
  tensor(name, dims, new Float32Array(dims.reduce((product, size) => product * size, 1)));

function weightsOf(parts: ModelParts): readonly Weight[] {
  return prunableWeights(decodeModel(buildModel(parts)));
}

function weight(parts: ModelParts, wanted = "W"): Weight {
  return weightsOf(parts).find(({ name }) => name === wanted)!;
}

const matMul = (name: string, inputs: string[]) => node("MatMul", inputs, [`${name}/y`], {}, { name });

describe("prunableWeights", () => {
  it("lists every constant numeric tensor once, in the order of the model", () => {
    const nodes = [
      node("Constant", [], ["C"], { value: floats("", 3, 3) }),
      matMul("a", ["x", "W"]),
      matMul("b", ["a/y", "C"]),
      node("Constant", [], ["text"], { value_string: "no tensor" }),
      node("Constant", [], ["list"], { value_floats: { floats: [1, 2] } }),
    ];
    const flags = tensor("flags", [1], { dtype: "bool", bits: Uint8Array.of(1) });
    const listed = weightsOf({ nodes, initializers: [floats("W", 2, 3), floats("bias", 3), flags] });
    expect(listed.map(({ name, shape, prunable }) => [name, shape, prunable])).toEqual([
      ["W", [2, 3], true],
      ["bias", [3], false],
      ["C", [3, 3], true],
    ]);
  });

  it("names the consumers", () => {
    const nodes = [
      node("Transpose", ["W"], ["t"]),
      matMul("first", ["x", "t"]),
      node("MatMul", ["z", "t"], ["second"]),
    ];
    const found = weight({ nodes, initializers: [floats("W", 2, 3)] });
    expect(found.consumers).toMatchObject([
      { node: "first", op: "MatMul", input: 1, scope: "main", proto: { input: ["x", "t"] } },
      { node: "second", op: "MatMul", input: 1, scope: "main" },
    ]);
  });

  it("takes an initializer that is a default of a graph input", () => {
    const inputs = [valueInfo("x", "float32", [1, 2]), valueInfo("W", "float32", [2, 3])];
    expect(
      weight({ nodes: [matMul("a", ["x", "W"])], initializers: [floats("W", 2, 3)], inputs, irVersion: 3 }),
    ).toMatchObject({
      prunable: true,
      inFeatures: 2,
    });
  });

  it("takes nodes in any order and of the domain ai.onnx", () => {
    const nodes = [
      node("MatMul", ["x", "t"], ["y"], {}, { domain: "ai.onnx" }),
      node("Transpose", ["W"], ["t"], {}, { domain: "ai.onnx" }),
    ];
    expect(weight({ nodes, initializers: [floats("W", 2, 3)] })).toMatchObject({
      inFeatures: 3,
      consumers: [{ op: "MatMul" }],
    });
  });
});

describe("a weight with several consumers", () => {
  it("is prunable when they agree, however they are written", () => {
    const nodes = [
      matMul("a", ["x", "W"]),
      node("Transpose", ["W"], ["t"]),
      node("Gemm", ["z", "t"], ["y"], { transB: 1 }, { name: "b" }),
    ];
    const found = weight({ nodes, initializers: [floats("W", 2, 3)] });
    expect(found).toMatchObject({ prunable: true, axes: [{ role: "in" }, { role: "out" }] });
    expect("axisConflict" in found).toBe(false);
    expect(found.consumers.map(({ node: name }) => name)).toEqual(["a", "b"]);
  });

  it("says who disagrees about the axes and keeps those of the first", () => {
    const nodes = [matMul("a", ["x", "W"]), node("Gemm", ["z", "W"], ["y"], { transB: 1 }, { name: "b" })];
    expect(weight({ nodes, initializers: [floats("W", 2, 3)] })).toMatchObject({
      prunable: true,
      outChannels: 3,
      axisConflict: 'its consumers disagree about its axes: MatMul "a" as [in 2, out 3], Gemm "b" as [out 2, in 3]',
    });
  });

  it("sees a disagreement about groups and steps alone", () => {
    const conv = (name: string, group: number) => node("Conv", ["x", "W"], [name], { group }, { name });
    expect(weight({ nodes: [conv("a", 1), conv("b", 2)], initializers: [floats("W", 4, 2, 3)] })).toMatchObject({
      axisConflict:
        'its consumers disagree about its axes: Conv "a" as [out 4, in 2, kernel 3], Conv "b" as [out 4, in 2, kernel 3] in 2 groups',
    });
    const einsum = (name: string, equation: string) => node("Einsum", ["x", "W"], [name], { equation }, { name });
    const both = [einsum("a", "bh,nhm->bnm"), einsum("b", "bn,nhm->bhm")];
    expect(weight({ nodes: both, initializers: [floats("W", 2, 3, 4)] })).toMatchObject({
      axisConflict:
        'its consumers disagree about its axes: Einsum "a" as [out 2, in 3, out 4], Einsum "b" as [in 2, out 12]',
    });
  });

  it("sees a disagreement about the order of in-features alone", () => {
    // Buffer [2, 2, 2, 3] with digits a, b, c: one consumer counts in-features as bac, the other as cba.
    const turned = (name: string, perm: number[]) => [
      node("Transpose", ["W"], [`${name}/t`], { perm }),
      node("Reshape", [`${name}/t`, "shape"], [`${name}/r`]),
      matMul(name, ["x", `${name}/r`]),
    ];
    const nodes = [...turned("first", [1, 0, 2, 3]), ...turned("second", [2, 1, 0, 3])];
    const initializers = [floats("W", 2, 2, 2, 3), tensor("shape", [2], BigInt64Array.of(8n, 3n))];
    expect(weight({ nodes, initializers })).toMatchObject({
      axisConflict:
        'its consumers disagree about its axes: MatMul "first" as [in 2 step 2, in 2 step 4, in 2 step 1, out 3 step 1], ' +
        'MatMul "second" as [in 2 step 1, in 2 step 2, in 2 step 4, out 3 step 1]',
    });
  });

  it("is refused for a tied embedding, naming the Gather", () => {
    const nodes = [
      node("Transpose", ["W"], ["t"]),
      matMul("logits", ["x", "t"]),
      node("Gather", ["W", "ids"], ["e"], {}, { name: "embed" }),
    ];
    const found = weight({ nodes, initializers: [floats("W", 5, 3)] });
    expect(found).toMatchObject({ prunable: false, reason: 'read by Gather "embed", which is not a linear operator' });
    expect(found.consumers.map(({ op }) => op).sort()).toEqual(["Gather", "MatMul"]);
  });

  it("does not mind a consumer that reads the shape only", () => {
    const shape = node("Shape", ["W"], ["s"]);
    const initializers = [floats("W", 2, 3)];
    expect(weight({ nodes: [shape, matMul("a", ["x", "W"])], initializers })).toMatchObject({ prunable: true });
    expect(weight({ nodes: [shape], initializers })).toMatchObject({
      prunable: false,
      reason: "read only for its shape",
    });
  });
});

describe("a constant that is not prunable says why", () => {
  const W = floats("W", 3);
  const cases: [string, ModelParts, string][] = [
    ["nothing reads it", { nodes: [], initializers: [W] }, "read by no node"],
    ["a bias", { nodes: [node("Conv", ["x", "w", "W"], ["y"])], initializers: [W] }, 'bias of Conv "y"'],
    ["the C of Gemm", { nodes: [node("Gemm", ["x", "w", "W"], ["y"])], initializers: [W] }, 'bias of Gemm "y"'],
    ["the data of a convolution", { nodes: [node("Conv", ["W", "w"], ["y"])], initializers: [W] }, 'data of Conv "y"'],
    [
      "peepholes",
      { nodes: [node("LSTM", ["x", "w", "r", "", "", "", "", "W"], ["y"])], initializers: [W] },
      'peepholes of LSTM "y"',
    ],
    [
      "a norm's scale",
      { nodes: [node("LayerNormalization", ["x", "W"], ["y"])], initializers: [W] },
      'read by LayerNormalization "y", which is not a linear operator',
    ],
    [
      "an operator of another domain",
      { nodes: [node("MatMul", ["x", "W"], ["y"], {}, { domain: "their.own" })], initializers: [floats("W", 2, 2)] },
      'read by their.own.MatMul "y", which is not a linear operator',
    ],
    [
      "a vector",
      { nodes: [node("MatMul", ["x", "W"], ["y"])], initializers: [W] },
      'MatMul "y" reads it as a vector, which has no rows and columns to prune',
    ],
    [
      "a scalar",
      { nodes: [node("MatMul", ["x", "W"], ["y"])], initializers: [floats("W")] },
      'MatMul "y" reads it with shape [], where it needs a matrix',
    ],
    [
      "a Gemm of three dimensions",
      { nodes: [node("Gemm", ["x", "W"], ["y"])], initializers: [floats("W", 1, 2, 3)] },
      'Gemm "y" reads it with shape [1, 2, 3], where it needs a matrix',
    ],
    [
      "a kernel without size",
      { nodes: [node("Conv", ["x", "W"], ["y"])], initializers: [floats("W", 2, 3)] },
      'Conv "y" reads it with shape [2, 3], where it needs channels and a kernel',
    ],
    [
      "groups that do not divide",
      { nodes: [node("Conv", ["x", "W"], ["y"], { group: 3 })], initializers: [floats("W", 4, 2, 1)] },
      'Conv "y" has 3 groups for 4 output channels',
    ],
    [
      "no groups at all",
      { nodes: [node("ConvTranspose", ["x", "W"], ["y"], { group: 0 })], initializers: [floats("W", 4, 2, 1)] },
      'ConvTranspose "y" has 0 groups for 4 input channels',
    ],
    [
      "an output of the model",
      {
        nodes: [matMul("a", ["x", "W"])],
        initializers: [floats("W", 2, 2)],
        outputs: [valueInfo("W", "float32", [2, 2])],
      },
      'handed out as the output "W" of the model',
    ],
    [
      "no entries",
      { nodes: [matMul("a", ["x", "W"])], initializers: [floats("W", 0, 2)] },
      "its shape is [0, 2], so that it has no entries",
    ],
    [
      "two of them of one name",
      { nodes: [matMul("a", ["x", "W"])], initializers: [floats("W", 2, 2), floats("W", 2, 2)] },
      "named like another value of its graph, so that its consumers are unknown",
    ],
    [
      "a second name",
      { nodes: [matMul("a", ["x", "W"]), node("Relu", ["x"], ["W"])], initializers: [floats("W", 2, 2)] },
      "named like another value of its graph, so that its consumers are unknown",
    ],
  ];
  it.each(cases)("%s", (_, parts, reason) => {
    expect(weight(parts)).toMatchObject({ prunable: false, reason });
  });

  const equations: [string, string][] = [
    ["ii,ij->ij", 'Einsum "y" takes a diagonal'],
    ["bi,ij->b", 'Einsum "y" sums over "j" in only one operand'],
    ["abi,ij->bj", 'Einsum "y" sums over "a" in only one operand'],
    ["bij,ij->bij", 'Einsum "y" sums over no label of it, so that it is no matrix product'],
    ["...i,i...->i", 'Einsum "y" sums over an ellipsis'],
    ["bi,ijk->bjk", 'Einsum "y" reads it with shape [2, 2], where it needs "ijk"'],
    ["bi->i", 'Einsum "y" has no equation for its operands'],
    ["b1,ij->bj", 'Einsum "y" has no equation for its operands'],
  ];
  it.each(equations)("the equation %s", (equation, reason) => {
    const nodes = [node("Einsum", ["x", "W"], ["y"], { equation })];
    expect(weight({ nodes, initializers: [floats("W", 2, 2)] })).toMatchObject({ prunable: false, reason });
  });

  it("an Einsum vector, and an Einsum of three operands", () => {
    const vector = node("Einsum", ["x", "W"], ["y"], { equation: "bi,i->b" });
    expect(weight({ nodes: [vector], initializers: [W] })).toMatchObject({
      reason: 'Einsum "y" reads it as a vector, which has no rows and columns to prune',
    });
    const three = node("Einsum", ["x", "W", "z"], ["y"], { equation: "bi,ij,jk->bk" });
    expect(weight({ nodes: [three], initializers: [floats("W", 2, 2)] })).toMatchObject({
      reason: 'Einsum "y" is no product of two operands',
    });
  });

  it("a sparse tensor, with the shape it stands for", () => {
    const sparse = create(SparseTensorProtoSchema, {
      values: floats("W", 2),
      indices: tensor("", [2], BigInt64Array.of(0n, 5n)),
      dims: [3n, 4n],
    });
    const main = graph({ nodes: [matMul("a", ["x", "W"])] });
    main.sparseInitializer = [sparse];
    const bytes = toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, { irVersion: 8n, graph: main, opsetImport: [{ version: 17n }] }),
    );
    expect(prunableWeights(decodeModel(bytes))).toMatchObject([
      {
        name: "W",
        shape: [3, 4],
        consumers: [{ node: "a" }],
        reason: "stored as a sparse tensor: only dense tensors can be pruned",
      },
    ]);
  });
});

describe("the training part of a model", () => {
  it("is listed with the reason, and its readers do not count", () => {
    const main = graph({ nodes: [matMul("a", ["x", "W"])], initializers: [floats("W", 2, 3)] });
    const algorithm = graph({ nodes: [node("Relu", ["W"], ["r"])], initializers: [floats("rate", 1)] });
    const model = create(ModelProtoSchema, {
      irVersion: 8n,
      graph: main,
      opsetImport: [{ version: 17n }],
      trainingInfo: [{ algorithm }],
    });
    expect(prunableWeights(decodeModel(toBinary(ModelProtoSchema, model)))).toMatchObject([
      { name: "W", prunable: true },
      { name: "training/0/algorithm/rate", reason: "part of the training algorithm, which inference does not run" },
    ]);
  });
});

describe("names of weights", () => {
  it("are unique, whatever the model does", () => {
    const constant = () => node("Constant", [], ["W"], { value: floats("", 2, 2) });
    const nodes = [constant(), constant(), node("Constant", [], [""], { value: floats("inside", 1) })];
    const names = weightsOf({ nodes, initializers: [floats("W", 2, 2), floats("W#2", 2, 2)] }).map(({ name }) => name);
    expect(names).toEqual(["W", "W#2", "W#3", "W#4", "(unnamed)"]);
  });
});
