import { fromBinary } from "@bufbuild/protobuf";
import { buildUseLite } from "@espalier/testkit";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { sourceName } from "./source-names.js";
import { sourceWeights } from "./source-weights.js";

describe("buildUseLite", () => {
  const bytes = buildUseLite();
  const model = fromBinary(ModelProtoSchema, bytes);
  const graph = model.graph!;
  const initializers = new Map(graph.initializer.map((initializer) => [initializer.name, initializer]));
  const products = graph.node.filter(({ opType }) => opType === "MatMul");
  const constant = products.filter(({ input }) => initializers.has(input[1]!));

  it("has 14 MatMuls, 10 of them with constant weights of the known shapes", () => {
    expect(products).toHaveLength(14);
    const shapes = constant.map(({ input }) => [input[1], initializers.get(input[1]!)!.dims.join("x")]);
    expect(shapes).toEqual([
      ["layer0/attention/qkv/weight", "256x768"],
      ["layer0/attention/output/weight", "256x512"],
      ["layer0/residual/weight", "256x512"],
      ["layer0/ffn/up/weight", "512x1536"],
      ["layer0/ffn/down/weight", "1536x512"],
      ["layer1/attention/qkv/weight", "512x1536"],
      ["layer1/attention/output/weight", "512x512"],
      ["layer1/ffn/up/weight", "512x1536"],
      ["layer1/ffn/down/weight", "1536x512"],
      ["head/weight", "512x512"],
    ]);
  });

  it("has 4,915,200 prunable weights", () => {
    const sizes = constant.map(({ input }) => initializers.get(input[1]!)!.rawData.length / 4);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(4_915_200);
  });

  it("is opset 17 with named free axes", () => {
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([["", 17n]]);
    const axes = graph.input.map(({ name, type }) => {
      const tensorType = type!.value.case === "tensorType" ? type!.value.value : undefined;
      return [name, tensorType!.elemType, ...tensorType!.shape!.dim.map(({ value }) => value.value)];
    });
    expect(axes).toEqual([
      ["input_ids", 7, "batch", "seq"],
      ["attention_mask", 7, "batch", "seq"],
    ]);
  });

  it("gives every node and initializer a name of its own", () => {
    expect(new Set(graph.node.map(({ name }) => name)).size).toBe(graph.node.length);
    expect(initializers.size).toBe(graph.initializer.length);
    expect(graph.node.every(({ name }) => /^[a-z0-9_/]+$/.test(name))).toBe(true);
  });

  it("gives the same bytes every time", () => {
    expect(Buffer.compare(buildUseLite(), bytes)).toBe(0);
  });
});

describe("sourceWeights", () => {
  it("refuses a weight that USE-lite does not have", () => {
    expect(() => sourceName("layer2/ffn/up/weight")).toThrow("USE-lite has no weight called layer2/ffn/up/weight");
    expect(() => sourceName("layer1/residual/weight")).toThrow(RangeError);
  });

  it("refuses a weight of another size", () => {
    const supply = sourceWeights();
    expect(() => supply("head/bias", [511])).toThrow("holds 511 elements, got 512");
  });
});
