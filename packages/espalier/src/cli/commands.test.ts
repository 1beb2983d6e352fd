import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ocrModelPath, useLitePath } from "@espalier/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { espalier } from "../../test/run-espalier.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const MODELS: [string, () => string, number, number][] = [
  ["USE-lite", () => useLitePath(), 10, 4_915_200],
  ["PP-OCR recognition", () => ocrModelPath("recognition"), 47, 0],
  ["PP-OCR detection", () => ocrModelPath("detection"), 64, 0],
  ["PP-OCR classification", () => ocrModelPath("classification"), 54, 0],
];

describe.each(MODELS)("%s", (name, path, count, entries) => {
  test("inspect, prune and verify work, with one JSON document each", async () => {
    const inspected = await espalier(["inspect", path(), "--json"]);
    expect(inspected.stderr).toBe("");
    const { totals, weights } = JSON.parse(inspected.stdout);
    expect(weights.filter((weight: { prunable: boolean }) => weight.prunable)).toHaveLength(count);
    if (entries > 0) expect(totals.prunable).toBe(entries);

    const output = join(folder, `${name.replaceAll(" ", "-")}.onnx`);
    const pruned = await espalier(["prune", path(), "-o", output, "--sparsity", "0.3", "--json"]);
    expect(pruned.code).toBe(0);
    const report = JSON.parse(pruned.stdout);
    expect(report).toMatchObject({ output, bytes: statSync(output).size, skipped: [] });
    for (const { total, zeros } of report.weights) expect(zeros).toBeGreaterThanOrEqual(Math.ceil(0.3 * total - 0.5));
    expect(report.sparsity.ofAll).toBeLessThan(report.sparsity.ofPruned);

    const verified = await espalier([
      "verify",
      path(),
      output,
      "--pattern",
      "unstructured",
      "--min-sparsity",
      "0.3",
      "--json",
    ]);
    const verdict = JSON.parse(verified.stdout);
    expect(verdict.checks.filter((check: { status: string }) => check.status === "failed")).toEqual([]);
    expect(verdict.status).toBe("passed");
    expect(verified.code).toBe(0);
  });
});

describe("prune", () => {
  test("the same run gives the same bytes, and pruning the result again changes nothing", async () => {
    const outputs = ["a", "b", "again"].map((name) => join(folder, `${name}.onnx`)) as [string, string, string];
    for (const [input, output] of [
      [ocrModelPath("classification"), outputs[0]],
      [ocrModelPath("classification"), outputs[1]],
      [outputs[0], outputs[2]],
    ] as const) {
      expect((await espalier(["prune", input, "-o", output, "--sparsity", "0.4", "--group", "model"])).code).toBe(0);
    }
    const [first, second, again] = outputs.map((path) => readFileSync(path));
    expect(second!.equals(first!)).toBe(true);
    expect(again!.equals(first!)).toBe(true);
  });

  test("sparsity 0 gives the file back byte for byte", async () => {
    const output = join(folder, "zero.onnx");
    await espalier(["prune", ocrModelPath("classification"), "-o", output, "--sparsity", "0"]);
    expect(readFileSync(output).equals(readFileSync(ocrModelPath("classification")))).toBe(true);
  });

  test("--on-unsupported skip leaves what cannot take the pattern dense, and lists it", async () => {
    const output = join(folder, "skipped.onnx");
    const flags = ["--pattern", "2:4", "--on-unsupported", "skip", "--json"];
    const { stdout } = await espalier(["prune", ocrModelPath("classification"), "-o", output, ...flags]);
    const { weights, skipped } = JSON.parse(stdout);
    expect(skipped.length).toBeGreaterThan(0);
    expect(skipped[0].reason).toMatch(/multiple of 4/);
    expect(weights.length + skipped.length).toBe(54);
  });

  test("a seed decides what random prunes", async () => {
    const bytes: Buffer[] = [];
    for (const seed of ["1", "1", "2"]) {
      const output = join(folder, "random.onnx");
      const flags = ["--criterion", "random", "--seed", seed, "--sparsity", "0.5"];
      await espalier(["prune", ocrModelPath("classification"), "-o", output, ...flags]);
      bytes.push(readFileSync(output));
    }
    expect(bytes[0]!.equals(bytes[1]!)).toBe(true);
    expect(bytes[0]!.equals(bytes[2]!)).toBe(false);
  });

  test("writing over the model itself is allowed", async () => {
    const path = join(folder, "self.onnx");
    writeFileSync(path, readFileSync(ocrModelPath("classification")));
    expect((await espalier(["prune", path, "-o", path, "--sparsity", "0.5"])).code).toBe(0);
    expect(readFileSync(path).equals(readFileSync(ocrModelPath("classification")))).toBe(false);
  });
});

describe("verify", () => {
  test("a model beyond the limit fails with exit code 1 and names the check", async () => {
    const output = join(folder, "half.onnx");
    await espalier(["prune", ocrModelPath("classification"), "-o", output, "--sparsity", "0.5"]);
    const { code, stdout } = await espalier([
      "verify",
      ocrModelPath("classification"),
      output,
      "--max-output-error",
      "0.000001",
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/outputs.*failed|failed.*outputs/);
  });

  test("a missing model: exit code 3", async () => {
    expect((await espalier(["verify", ocrModelPath("classification"), join(folder, "none.onnx")])).code).toBe(3);
  });
});

test("a reader that closes the pipe early gets no stack trace", async () => {
  const { code, stderr } = await espalier(["inspect", ocrModelPath("detection"), "--json"], (child) => {
    child.stdout!.destroy();
  });
  expect([code, stderr]).toEqual([0, ""]);
});

test("inspect refuses rows without a target, which they would say nothing about", async () => {
  const { code, stderr } = await espalier(["inspect", useLitePath(), "--rows", "4"]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/--rows.*--target/) });
});
