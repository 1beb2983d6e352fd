import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { l1, nm, prune } from "espalier";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { espalier } from "../../test/run-espalier.js";

let folder: string;
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "espalier-export-cli-"));
  const bytes = buildModel({
    nodes: [node("MatMul", ["x", "w"], ["y"], {}, { name: "product" })],
    initializers: [tensor("w", [128, 256], random(1).float32(128 * 256))],
    inputs: [valueInfo("x", "float32", [1, 128])],
    outputs: [valueInfo("y", "float32", [1, 256])],
  });
  writeFileSync(file("dense.onnx"), bytes);
  writeFileSync(file("pruned.onnx"), (await prune(bytes, { criterion: l1(), pattern: nm(2, 4) })).toBytes());
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (input: string, output: string, ...flags: readonly string[]) =>
  espalier(["export", file(input), "-o", file(output), ...flags]);

describe("espalier export", () => {
  test("writes a smaller file and one JSON document", async () => {
    const { code, stdout } = await run("pruned.onnx", "small.onnx", "--json");
    expect(code).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ output: file("small.onnx"), format: "auto", weights: [{ encoding: "2:4" }] });
    expect(document.bytes).toBe(statSync(file("small.onnx")).size);
    expect(document.bytes).toBeLessThan(statSync(file("pruned.onnx")).size * 0.7);
    const sizes = ["gzipBytesBefore", "gzipBytesAfter", "brotliBytesBefore", "brotliBytesAfter"];
    const fields = ["name", "encoding", "bytesBefore", "bytesAfter", "reason", ...sizes];
    expect(Object.keys(document.weights[0])).toEqual(fields);
    expect(document.gzipBytes).toBeGreaterThan(0);
    expect(document.brotliBytes).toBeGreaterThan(0);
    expect(document.loading.after.milliseconds.median).toBeGreaterThan(0);
  });

  test("--no-measure leaves out what takes time", async () => {
    const { code, stdout } = await run("pruned.onnx", "quick.onnx", "--json", "--no-measure");
    expect(code).toBe(0);
    const document = JSON.parse(stdout);
    expect(Object.keys(document.weights[0])).toEqual(["name", "encoding", "bytesBefore", "bytesAfter", "reason"]);
    expect(document).toMatchObject({ gzipBytes: null, brotliBytes: null });
    expect(document).not.toHaveProperty("loading");
    expect((await run("pruned.onnx", "quick.onnx", "--no-measure")).stdout).toMatch(/reason +\|\n/);
  });

  test("says to people what became of each weight, and what was checked", async () => {
    const { code, stdout } = await run("pruned.onnx", "text.onnx", "--format", "coo");
    expect(code).toBe(0);
    expect(stdout).toMatch(/\| w +\| coo /);
    expect(stdout).toMatch(/note: the onnxruntime-web\/webgpu build refuses/);
    expect(stdout).toMatch(/1 decoded weights bit for bit; outputs on random inputs off by 0\.00/);
    expect(stdout).toMatch(/\| \(files\) +\| +\| +131\.\d kB → /);
    expect(stdout).toMatch(/loading, median of 3 fresh processes: \d+\.\d ms \(\d+\.\d to \d+\.\d\) → /);
  });

  test.each<[string, readonly string[], number, RegExp]>([
    ["a format that is none", ["pruned.onnx", "a.onnx", "--format", "zip"], 2, /zip/],
    ["blocks that are no size", ["pruned.onnx", "a.onnx", "--blocks", "32"], 2, /BKxBN/],
    ["options that contradict", ["pruned.onnx", "a.onnx", "--target", "tensorrt", "--format", "gap"], 2, /tensorrt/],
    ["a model that is not pruned", ["dense.onnx", "a.onnx"], 3, /nothing to gain.*--force/],
    ["no such model", ["missing.onnx", "a.onnx"], 3, /missing\.onnx/],
    ["no such folder", ["pruned.onnx", "nowhere/a.onnx"], 4, /does not exist/],
    ["a folder as output", ["pruned.onnx", "taken.onnx"], 4, /folder/],
  ])("%s: exit code, reason, no file", async (_, [input, output, ...flags], code, message) => {
    mkdirSync(file("taken.onnx"), { recursive: true });
    const ended = await run(input!, output!, ...flags);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(message);
    expect(existsSync(file("a.onnx"))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes("tmp"))).toEqual([]);
  });

  test("--force goes on with a model that is not pruned", async () => {
    expect((await run("dense.onnx", "forced.onnx", "--force")).code).toBe(0);
  });

  test.skipIf(!existsSync("/dev/full"))("an output that is no regular file is exit code 4", async () => {
    const { code, stderr } = await espalier(["export", file("pruned.onnx"), "-o", "/dev/full"]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/\/dev\/full/);
  });
});
