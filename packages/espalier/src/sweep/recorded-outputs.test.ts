import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outputs } from "@espalier/verify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RecordedOutputs, recordOutputs } from "./recorded-outputs.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-outputs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const OUTPUTS: readonly Outputs[] = [
  {
    y: { dtype: "float32", dims: [1, 3], data: Float32Array.of(1, Number.NaN, -0) },
    n: { dtype: "int64", dims: [], data: BigInt64Array.of(-5n) },
  },
  {
    y: { dtype: "float32", dims: [1, 0], data: new Float32Array(0) },
    n: { dtype: "string", dims: [2], data: ["ß", ""] },
  },
  {
    y: { dtype: "float16", dims: [1], data: Uint16Array.of(0x7c00) },
    n: { dtype: "bool", dims: [1], data: Uint8Array.of(1) },
  },
];

async function* each(): AsyncGenerator<Outputs> {
  yield* OUTPUTS;
}

describe("recordOutputs", () => {
  it("keeps outputs of every type bit for bit, to be read in any order", async () => {
    const path = join(folder, "a.outputs");
    await recordOutputs(path, each());
    const recorded = new RecordedOutputs(path);
    for (const index of [2, 0, 1, 0]) expect(recorded.at(index)).toEqual(OUTPUTS[index]);
    expect(Object.is((recorded.at(0).y!.data as Float32Array)[2], -0)).toBe(true);
    recorded.close();
  });

  it("can write the same file twice at once, as two sweeps into a folder do", async () => {
    const path = join(folder, "a.outputs");
    await Promise.all([recordOutputs(path, each()), recordOutputs(path, each())]);
    const recorded = new RecordedOutputs(path);
    for (const [index, outputs] of OUTPUTS.entries()) expect(recorded.at(index)).toEqual(outputs);
    recorded.close();
    expect(readdirSync(folder)).toEqual(["a.outputs"]);
  });

  it("leaves nothing under any name when the model stops", async () => {
    async function* stops(): AsyncGenerator<Outputs> {
      yield OUTPUTS[0]!;
      throw new Error("no more");
    }
    await expect(recordOutputs(join(folder, "a.outputs"), stops())).rejects.toThrow("no more");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("says that a file cannot be written", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(recordOutputs(join(folder, "file", "a.outputs"), each())).rejects.toMatchObject({ code: "output" });
  });
});
