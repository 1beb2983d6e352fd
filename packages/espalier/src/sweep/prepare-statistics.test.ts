import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeModel } from "@espalier/onnx";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readStatistics } from "../statistics.js";
import { prepareStatistics } from "./prepare-statistics.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-statistics-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const request = {
  model: decodeModel(
    buildModel({
      nodes: [node("MatMul", ["x", "a"], ["y"])],
      initializers: [tensor("a", [2, 1], Float32Array.of(1, 1))],
      inputs: [valueInfo("x", "float32", ["n", 2])],
      outputs: [valueInfo("y", "float32", ["n", 1])],
    }),
  ),
  calibration: [{ x: { dtype: "float32", dims: [1, 2], data: Float32Array.of(2, 3) } }] as const,
  threads: 1,
};

describe("prepareStatistics", () => {
  it("leaves one file, which readStatistics reads", async () => {
    const path = join(folder, "a.stats");
    expect(await prepareStatistics({ ...request, path })).toEqual({ path });
    expect(readdirSync(folder)).toEqual(["a.stats"]);
    expect([...readStatistics(path).get("a")!.sumOfSquares]).toEqual([4, 9]);
  });

  it("says that the file cannot be written", async () => {
    const path = join(folder, "nowhere", "a.stats");
    await expect(prepareStatistics({ ...request, path })).rejects.toMatchObject({
      name: "EspalierError",
      code: "output",
    });
  });
});
