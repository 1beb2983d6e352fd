import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeModel, readModel, withMetadata, withTensorData, writeModel } from "@espalier/onnx";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { fingerprintModel } from "./fingerprint-model.js";

interface Variation {
  readonly weight?: Float32Array | BigInt64Array;
  readonly storage?: "raw" | "typed";
  readonly axis?: number;
  readonly opset?: number;
}

/** 512 weights, enough to be kept in a file of their own. */
const WEIGHT = Float32Array.from({ length: 512 }, (_, index) => index);

const model = ({ weight = WEIGHT, storage = "raw", axis = 1, opset = 17 }: Variation = {}) =>
  decodeModel(
    buildModel({
      nodes: [node("MatMul", ["x", "w"], ["h"]), node("Softmax", ["h"], ["y"], { axis })],
      initializers: [tensor("w", [8, 64], weight, storage)],
      inputs: [valueInfo("x", "float32", ["n", 8])],
      outputs: [valueInfo("y", "float32", ["n", 64])],
      opset,
    }),
  );
const before = fingerprintModel(model());

describe("fingerprintModel", () => {
  it("is 64 hex digits each, the same every time", () => {
    expect(before).toEqual({
      graph: expect.stringMatching(/^[0-9a-f]{64}$/),
      weights: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(fingerprintModel(model())).toEqual(before);
  });

  it("is the same wherever the weights are stored, and whatever the metadata says", () => {
    const folder = mkdtempSync(join(tmpdir(), "espalier-fingerprint-"));
    try {
      writeModel(model(), join(folder, "external.onnx"), { externalData: { location: "w.bin" } });
      expect(fingerprintModel(readModel(join(folder, "external.onnx")))).toEqual(before);
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(fingerprintModel(model({ storage: "typed" }))).toEqual(before);
    expect(fingerprintModel(withMetadata(model(), new Map([["author", "me"]])))).toEqual(before);
  });

  it("tells a weight from another, an edit included", () => {
    const other = model({ weight: WEIGHT.with(511, -0) });
    expect(fingerprintModel(other)).toEqual({
      graph: before.graph,
      weights: expect.not.stringMatching(before.weights),
    });
    const edited = model();
    const [weight] = edited.proto.graph!.initializer;
    const bytes = () => new Uint8Array(WEIGHT.with(511, -0).buffer);
    expect(fingerprintModel(withTensorData(edited, new Map([[weight!, bytes]])))).toEqual(fingerprintModel(other));
  });

  it.each([
    ["attribute", { axis: 0 }],
    ["opset", { opset: 16 }],
  ])("tells a graph from another: %s", (_, change) => {
    expect(fingerprintModel(model(change))).toEqual({
      graph: expect.not.stringMatching(before.graph),
      weights: before.weights,
    });
  });
});
