import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { type OcrModel, ocrModelPath } from "@espalier/testkit";
import { type GraphProto, ModelProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";

function facts(model: OcrModel) {
  const { graph } = fromBinary(ModelProtoSchema, readFileSync(ocrModelPath(model)));
  const { node, initializer } = graph as GraphProto;
  const constants = new Set(node.filter(({ opType }) => opType === "Constant").flatMap(({ output }) => output));
  const count = (type: string) => node.filter(({ opType }) => opType === type).length;
  const products = node.filter(({ opType, input }) => opType === "MatMul" && constants.has(input[1]!));
  return {
    initializers: initializer.length,
    conv: count("Conv"),
    convTranspose: count("ConvTranspose"),
    constantMatMul: products.length,
  };
}

describe("ocrModelPath", () => {
  it("leads to the models whose weights are in Constant nodes", () => {
    expect(facts("recognition")).toEqual({ initializers: 0, conv: 38, convTranspose: 0, constantMatMul: 9 });
    expect(facts("detection")).toEqual({ initializers: 0, conv: 62, convTranspose: 2, constantMatMul: 0 });
    expect(facts("classification")).toEqual({ initializers: 0, conv: 53, convTranspose: 0, constantMatMul: 1 });
  });
});
