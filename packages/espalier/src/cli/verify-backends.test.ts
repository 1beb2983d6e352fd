import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildModel, hasChromium, node, random, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { espalier } from "../../test/run-espalier.js";

let folder: string;
const file = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-backends-"));
  const model = buildModel({
    nodes: [node("MatMul", ["x", "w"], ["y"])],
    initializers: [tensor("w", [256, 4], random(1).float32(1024))],
    inputs: [valueInfo("x", "float32", ["n", 256])],
    outputs: [valueInfo("y", "float32", ["n", 4])],
  });
  writeFileSync(file("original.onnx"), model);
  writeFileSync(file("samples.jsonl"), JSON.stringify({ x: [...random(2).float32(256)] }));
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true }));

const verify = (...flags: string[]) => {
  const models = [file("original.onnx"), file("original.onnx")];
  return espalier(["verify", ...models, "--samples", file("samples.jsonl"), "--loads", "0", ...flags]);
};

interface Document {
  readonly status: string;
  readonly message: string;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly limit: number | null }[];
  readonly otherLatencies: readonly { readonly backend: string }[];
}

test.skipIf(!hasChromium)(
  "several backends by commas and by repetition: outputs compared, times told (skipped where /usr/bin/chromium is missing)",
  async () => {
    const flags = ["--backend", "node,web", "--backend", "browser", "--max-backend-difference", "1e-4", "--json"];
    const { code, stdout } = await verify(...flags);
    const { checks, otherLatencies } = JSON.parse(stdout) as Document;
    expect(checks.find(({ name }) => name === "backends")).toMatchObject({ status: "passed", limit: 1e-4 });
    expect(otherLatencies.map(({ backend }) => backend)).toEqual(["web", "browser"]);
    expect(code).toBe(0);
  },
);

test("a missing browser ends with code 3 and what to do; what was found before is printed", async () => {
  vi.stubEnv("ESPALIER_BROWSER", "/none");
  const { code, stdout, stderr } = await verify("--backend", "node,browser");
  expect(code).toBe(3);
  expect(stderr).toContain("error: ESPALIER_BROWSER: there is no browser at /none. Give the path of a Chromium.");
  expect(stdout).toMatch(/^\| rest-unchanged \| passed/m);
  expect(stdout).not.toContain("loads");
  const json = await verify("--backend", "node,browser", "--json");
  const { status, message, checks } = JSON.parse(json.stdout) as Document;
  expect([json.code, status]).toEqual([3, "stopped"]);
  expect(message).toContain("/none");
  expect(checks.map(({ name }) => name)).toContain("rest-unchanged");
});

test.each([
  [["--backend", "cuda"], '"cuda" is no backend: choose from node, web, browser'],
  [["--backend", "node,"], '"" is no backend'],
  [["--backend", "node", "--backend", "web,node"], "node is named twice"],
])("%j is wrong usage", async (flags, message) => {
  const { code, stderr } = await verify(...flags);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
