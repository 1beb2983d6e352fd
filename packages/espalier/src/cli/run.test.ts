import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, beforeEach, expect, test } from "vitest";
import { espalier } from "../../test/run-espalier.js";

const folder = mkdtempSync(join(tmpdir(), "espalier-run-"));
const file = (...names: string[]): string => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(file("project"), { recursive: true });
  const model = buildModel({
    nodes: [node("MatMul", ["x", "w"], ["y"])],
    initializers: [tensor("w", [64, 96], random(5).float32(64 * 96))],
    inputs: [valueInfo("x", "float32", ["n", 64])],
    outputs: [valueInfo("y", "float32", ["n", 96])],
  });
  writeFileSync(file("project", "model.onnx"), model);
});

/** Runs a config written in TypeScript, from another folder than its own. */
function run(config: string, name = "espalier.config.ts") {
  writeFileSync(file("project", name), config);
  return espalier(["run", file("project", name)]);
}

const configured = (parts: object): string => {
  const config = { model: "model.onnx", prune: { output: "pruned.onnx", pattern: "2:4" }, ...parts };
  return `const config: { model: string } = ${JSON.stringify(config)};\nexport default config;\n`;
};

test("run prunes, verifies and exports as a TypeScript config says, with paths relative to it", async () => {
  const { code, stdout } = await run(
    configured({
      verify: { pattern: "2:4", minSparsity: 0.5, junit: "report.xml", include: ["w"] },
      export: { output: "small.onnx", format: "nm", measure: true, force: false },
    }),
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/brotli/); // measured
  expect(stdout.match(/^(prune|verify|export) /gm)).toEqual(["prune ", "verify ", "export "]);
  expect(readFileSync(file("project", "report.xml"), "utf8")).toContain('failures="0"');
  expect(stdout).toMatch(/\| w +\| 2:4 /); // how export stores the weight
  expect(existsSync(file("project", "small.onnx"))).toBe(true);
});

test("a failed verification ends the run with exit code 1 before anything is exported", async () => {
  const { code, stdout } = await run(
    configured({ verify: { maxOutputError: 0.0001 }, export: { output: "small.onnx", format: "nm" } }),
  );
  expect(code).toBe(1);
  expect(stdout).toMatch(/outputs +\| failed/);
  expect(existsSync(file("project", "small.onnx"))).toBe(false);
});

test("a JSON config works too, and false leaves a flag out", async () => {
  const config = { model: "model.onnx", prune: { output: "pruned.onnx", sparsity: 0.25, resume: false } };
  const { code, stdout } = await run(JSON.stringify(config), "espalier.json");
  expect(code).toBe(0);
  expect(stdout).toContain("25.00 %");
});

test.each([
  ["a flag that is none", { prune: { output: "p.onnx", paterrn: "2:4" } }, /--paterrn/],
  ["a wrong value", { prune: { output: "p.onnx", criterion: "l3" } }, /l3.*l1, l2/s],
  ["a step that is none", { pruning: {} }, /"pruning" is no step: expected model, prune, verify, export/],
  ["no output to verify", { prune: undefined, verify: {} }, /"verify" judges what "prune" wrote/],
  ["nothing to do", { prune: undefined }, /nothing to do/],
  ["flags that are no flags", { prune: { output: "p.onnx", include: { a: 1 } } }, /"prune.include" must be a text/],
  ["a second document", { prune: { output: "p.onnx", json: true } }, /"prune.json"/],
])("%s is wrong usage and named", async (_, parts, message) => {
  const { code, stderr } = await run(configured(parts));
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});

test("a config that is not there or does not load is wrong usage", async () => {
  expect(await espalier(["run", file("none.ts")])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/none\.ts[^\n]*\n$/),
  });
  expect(await run("export default {")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/cannot load the config/),
  });
});
