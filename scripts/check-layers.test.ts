import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { layerViolations } from "./check-layers.js";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function workspace(manifest: object, source: string): string {
  const folder = mkdtempSync(join(tmpdir(), "layers-"));
  folders.push(folder);
  mkdirSync(join(folder, "one/src"), { recursive: true });
  writeFileSync(join(folder, "one/package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "one/src/index.ts"), source);
  return folder;
}

test("this workspace keeps its layers", () => {
  expect(layerViolations(fileURLToPath(new URL("../packages", import.meta.url)))).toEqual([]);
});

test("a sideways import is found", () => {
  const folder = workspace({ name: "@espalier/verify" }, `import { applyMasks } from "@espalier/export";`);
  expect(layerViolations(folder)).toEqual(["@espalier/verify (layer 2) may not use @espalier/export: index.ts"]);
});

test("an upward dynamic import is found, a downward one is allowed", () => {
  const folder = workspace(
    { name: "@espalier/runtime" },
    `const sdk = await import("espalier");\nimport type { Model } from "@espalier/onnx";`,
  );
  expect(layerViolations(folder)).toEqual(["@espalier/runtime (layer 1) may not use espalier: index.ts"]);
});

test("a dependency on a higher layer is found in the manifest", () => {
  const folder = workspace({ name: "@espalier/core", dependencies: { "@espalier/onnx": "workspace:*" } }, "");
  expect(layerViolations(folder)).toEqual(["@espalier/core (layer 0) may not use @espalier/onnx: package.json"]);
});

test("a published package without a layer is named", () => {
  expect(layerViolations(workspace({ name: "@espalier/new" }, ""))).toHaveLength(1);
});
