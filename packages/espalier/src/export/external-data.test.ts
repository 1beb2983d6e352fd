import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeModel } from "@espalier/onnx";
import { openRunner, randomFeeds, type Tensor } from "@espalier/runtime";
import { buildSyntheticTransformer } from "@espalier/testkit";
import { type ExportOptions, exportModel, l1, prune, unstructured } from "espalier";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "espalier-external-"));
const given = join(folder, "given.onnx");
const data = `${given}.data`;
afterAll(() => rmSync(folder, { recursive: true }));

/** 12 matrices, 7 MB in all, and biases of 1 KiB and more beside them in the data file. */
beforeAll(async () => {
  const model = buildSyntheticTransformer({ layers: 2, width: 256, ffn: 1024, heads: 4, seq: 8 });
  const pruned = await prune(model, { criterion: l1(), pattern: unstructured(0.8) });
  writeModel(pruned.model, given, { externalData: { location: "given.onnx.data" } });
});

async function outputs(path: string): Promise<readonly number[]> {
  const runner = await openRunner(path);
  try {
    const results: Readonly<Record<string, Tensor>> = await runner.run(randomFeeds(runner.inputs, { seed: 7 }));
    return Object.values(results).flatMap(({ data }) => Array.from(data as Float32Array));
  } finally {
    await runner.close();
  }
}

/** Of both files of the given model. */
function digests(): readonly string[] {
  return [given, data].map((file) => createHash("sha256").update(readFileSync(file)).digest("hex"));
}

/** A new folder, so that nothing is there but what was written. */
function emptyFolder(name: string): string {
  mkdirSync(join(folder, name));
  return join(folder, name);
}

describe("exportModel of a model with external data", () => {
  it.each<ExportOptions>([{}, { format: "gap" }, { format: "coo" }, { values: "int8" }])(
    "%j: has external data of its own, without the weights that were encoded",
    async (options) => {
      const before = digests();
      const exported = await exportModel(given, options);
      const target = emptyFolder(JSON.stringify(options).replaceAll(/\W/g, "_"));
      const { bytes } = await exported.write(join(target, "small.onnx"));
      expect(readdirSync(target).sort()).toEqual(["small.onnx", "small.onnx.data"]);
      expect(bytes).toBe(
        ["small.onnx", "small.onnx.data"].reduce((sum, name) => sum + statSync(join(target, name)).size, 0),
      );
      // coo takes 12 bytes for each of 20 % of the entries, 0.6 of dense; the others less.
      expect(bytes / exported.report.bytesBefore).toBeLessThan(0.62);
      // Longer or shorter names of the file in some dozens of entries.
      expect(Math.abs(exported.report.bytes - bytes)).toBeLessThan(500);
      expect(exported.report.weights.map(({ encoding }) => encoding)).not.toContain("dense");
      const found = await outputs(join(target, "small.onnx"));
      if (options.values === undefined) expect(found).toEqual(await outputs(given));
      expect(digests()).toEqual(before);
    },
  );

  it("gives bytes that are complete", async () => {
    const { toBytes } = await exportModel(given);
    const runner = await openRunner(toBytes());
    await runner.close();
  });

  it("leaves what there is nothing to gain with as it is", async () => {
    const { write } = await exportModel(given, { target: "tensorrt" });
    const target = emptyFolder("same");
    await write(join(target, "given.onnx"));
    expect(readdirSync(target).sort()).toEqual(["given.onnx", "given.onnx.data"]);
    expect(readFileSync(join(target, "given.onnx.data")).equals(readFileSync(data))).toBe(true);
  });

  it("refuses to write over the data that it reads", async () => {
    const before = digests();
    const { write } = await exportModel(given, { format: "gap" });
    const error = { code: "write-failed", message: expect.stringMatching(/given\.onnx\.data.*another name/) };
    await expect(write(given)).rejects.toMatchObject(error);
    expect(digests()).toEqual(before);
    expect(readdirSync(folder).filter((name) => name.includes("tmp"))).toEqual([]);
  });
});
