import { decodeModel, OnnxError, tensorValues } from "@espalier/onnx";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

const model = decodeModel(
  buildModel({
    nodes: [node("Identity", ["x"], ["y"])],
    initializers: [
      tensor("f32", [2], Float32Array.of(1.5, -0)),
      tensor("f64", [1], Float64Array.of(Math.PI)),
      tensor("i64", [1], BigInt64Array.of(3n)),
    ],
    inputs: [valueInfo("x", "float32", [1])],
    outputs: [valueInfo("y", "float32", [1])],
  }),
);
const named = (name: string) => model.proto.graph!.initializer.find((one) => one.name === name)!;

describe("tensorValues", () => {
  it("gives float32 as f32 and float64 as f64, the sign of zero included", () => {
    expect(tensorValues(model, named("f32"))).toEqual(Float32Array.of(1.5, -0));
    expect(tensorValues(model, named("f64"))).toEqual(Float64Array.of(Math.PI));
  });

  it("refuses integers and names the tensor", () => {
    const read = () => tensorValues(model, named("i64"));
    expect(read).toThrow(OnnxError);
    expect(read).toThrow(/"i64" holds int64/);
  });
});
