import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { espalier } from "../../test/run-espalier.js";

let folder: string;
const file = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-cli-"));
  const values = Float32Array.from({ length: 48 }, (_, index) => index + 1);
  const bytes = buildModel({
    nodes: [node("MatMul", ["x", "w"], ["y"], {}, { name: "/layer/MatMul" })],
    initializers: [tensor("w", [6, 8], values)],
    inputs: [valueInfo("x", "float32", ["n", 6])],
    outputs: [valueInfo("y", "float32", ["n", 8])],
  });
  writeFileSync(file("model.onnx"), bytes);
  writeFileSync(file("truncated.onnx"), bytes.subarray(0, bytes.length - 20));
  writeFileSync(file("text.onnx"), "hello, I am a text file\n");
  writeFileSync(file("empty.onnx"), "");
  writeFileSync(
    file("no-weights.onnx"),
    buildModel({
      nodes: [node("Relu", ["x"], ["y"])],
      inputs: [valueInfo("x", "float32", [1])],
      outputs: [valueInfo("y", "float32", [1])],
    }),
  );
  mkdirSync(file("folder"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `prune` so that it must fail, and checks what holds for every failure. */
async function failure(...args: string[]): Promise<{ code: number | null; message: string }> {
  const before = readdirSync(folder).sort();
  const { code, stdout, stderr } = await espalier(["prune", ...args]);
  expect(stdout).toBe("");
  expect(stderr).not.toMatch(/\n\s+at /); // no stack trace
  expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(2); // a typing error comes with a suggestion, a refused weight with its reason
  expect(readdirSync(folder).sort()).toEqual(before); // no half file
  return { code, message: stderr };
}

describe("bad input", () => {
  test.each([
    ["a missing file", "missing.onnx", /missing\.onnx.*(does not exist|no such file)/i],
    ["a text file", "text.onnx", /text\.onnx.*text/],
    ["an empty file", "empty.onnx", /empty\.onnx.*empty/],
    ["a folder", "folder", /folder/],
    ["a truncated model", "truncated.onnx", /truncated\.onnx.*byte/],
    ["a model without prunable weights", "no-weights.onnx", /no prunable weight/],
  ])("%s: exit code 3", async (_, name, expected) => {
    const { code, message } = await failure(file(name), "-o", file("out.onnx"), "--sparsity", "0.5");
    expect(code).toBe(3);
    expect(message).toMatch(expected);
    expect(message).toMatch(/^error: /);
  });

  test.each([
    ["N:M that keeps more than it has", ["--pattern", "4:2"], /4:2/],
    ["a sparsity above 1", ["--sparsity", "1.2"], /1\.2.*\[0, 1\)/],
    ["a negative sparsity", ["--sparsity", "-0.1"], /-0\.1/],
    ["a sparsity that is no number", ["--sparsity", "half"], /half.*number/],
    ["sparsity together with N:M", ["--pattern", "2:4", "--sparsity", "0.3"], /sparsity.*2:4/],
    ["no sparsity where one is needed", [], /sparsity/],
    ["an unknown pattern", ["--pattern", "diagonal", "--sparsity", "0.5"], /diagonal/],
    ["a group that the pattern does not have", ["--pattern", "2:4", "--group", "row"], /group/],
    ["an unknown criterion", ["--criterion", "l3", "--sparsity", "0.5"], /l3/],
    ["a mistyped flag", ["--sparsty", "0.5"], /--sparsity/],
    [
      "an include that matches nothing",
      ["--include", "decoder*", "--sparsity", "0.5"],
      /decoder\*.*matches none of the 1 prunable/,
    ],
    ["an exclude that leaves nothing", ["--exclude", "w", "--sparsity", "0.5"], /nothing to prune/],
    ["wanda without statistics", ["--criterion", "wanda", "--sparsity", "0.5"], /--statistics/],
    [
      "samples for a criterion that has no use for them",
      ["--samples", "x.npz", "--recover", "none", "--sparsity", "0.5"],
      /l1.*leave samples/,
    ],
    ["a mask without samples", ["--mask", "m", "--sparsity", "0.5"], /mask \(m\)/],
    ["a seed without random", ["--seed", "3", "--sparsity", "0.5"], /seed/],
  ])("%s: exit code 2", async (_, flags, expected) => {
    const { code, message } = await failure(file("model.onnx"), "-o", file("out.onnx"), ...flags);
    expect(message).toMatch(expected);
    expect(code).toBe(2);
  });

  test("N:M on a weight whose reduction axis is no multiple of M: exit code 3, both numbers and what to do", async () => {
    const { code, message } = await failure(file("model.onnx"), "-o", file("out.onnx"), "--pattern", "2:4");
    expect(code).toBe(3);
    expect(message).toMatch(/w: .*6.*multiple of 4/);
    expect(message).toMatch(/--exclude.*--on-unsupported skip/);
  });

  test("a missing output: exit code 2", async () => {
    expect((await failure(file("model.onnx"), "--sparsity", "0.5")).code).toBe(2);
  });

  test.each([
    ["an output folder that does not exist", "nowhere/out.onnx", /nowhere does not exist/],
    ["an output below a file", "text.onnx/out.onnx", /text\.onnx is not a folder/],
    ["an output that is a folder", "folder", /is a folder/],
  ])("%s: exit code 4", async (_, name, expected) => {
    const { code, message } = await failure(file("model.onnx"), "-o", file(name), "--sparsity", "0.5");
    expect(code).toBe(4);
    expect(message).toMatch(expected);
  });

  test("a folder that nobody can write into: exit code 4", async () => {
    const { code, message } = await failure(file("model.onnx"), "-o", "/proc/out.onnx", "--sparsity", "0.5");
    expect(code).toBe(4);
    expect(message).toMatch(/\/proc\/out\.onnx/);
  });

  test("statistics that are none: exit code 3, nothing written", async () => {
    const { code, message } = await failure(
      ...[
        file("model.onnx"),
        "-o",
        file("out.onnx"),
        "--sparsity",
        "0.5",
        "--criterion",
        "wanda",
        "--statistics",
        file("text.onnx"),
      ],
    );
    expect(code).toBe(3);
    expect(message).toMatch(/text\.onnx/);
    expect(existsSync(file("out.onnx"))).toBe(false);
  });
});

test("a failed prune leaves an older output as it was", async () => {
  writeFileSync(file("old.onnx"), "precious");
  await failure(file("truncated.onnx"), "-o", file("old.onnx"), "--sparsity", "0.5");
  expect(readFileSync(file("old.onnx"), "utf8")).toBe("precious");
});
