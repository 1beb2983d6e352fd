import { readFileSync } from "node:fs";
import { modelInputs } from "@espalier/calibrate";
import { decodeModel } from "@espalier/onnx";
import { openRunner } from "@espalier/runtime";
import { buildModel, node, ocrModelPath, tensor, useLitePath, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { failure } from "../../test/failure.js";

const ofDtype = (dtype: string) =>
  decodeModel(
    buildModel({
      nodes: [node("Shape", ["x"], ["y"])],
      inputs: [valueInfo("x", dtype, ["n"])],
      outputs: [valueInfo("y", "int64", [1])],
    }),
  );

describe("modelInputs", () => {
  it.each([
    ["USE-lite", readFileSync(useLitePath())],
    ["PP-OCR recognition", readFileSync(ocrModelPath("recognition"))],
    [
      "a model whose input has a default, one of fixed and nameless sizes, and a scalar",
      buildModel({
        nodes: [node("Add", ["x", "w"], ["h"]), node("Add", ["h", "s"], ["y"])],
        initializers: [tensor("w", [3], new Float32Array(3))],
        inputs: [valueInfo("w", "float32", [3]), valueInfo("x", "float32", [2, "", 3]), valueInfo("s", "float32", [])],
        outputs: [valueInfo("y", "float32", [2, "", 3])],
      }),
    ],
  ])("says what ONNX Runtime says: %s", async (_, bytes) => {
    const runner = await openRunner(bytes);
    expect(modelInputs(decodeModel(bytes))).toEqual(runner.inputs);
    await runner.close();
  });

  it.each(["bfloat16"])("refuses an input of %s, which JavaScript cannot hand over", (dtype) => {
    const error = failure(() => modelInputs(ofDtype(dtype)));
    expect(error.code).toBe("load-failed");
    expect(error.message).toContain(`"x" is ${dtype}`);
  });
});
