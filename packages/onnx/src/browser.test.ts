import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as all from "@espalier/onnx";
import { describe, expect, it } from "vitest";
import * as browser from "./browser.js";

const dist = dirname(createRequire(import.meta.url).resolve("@espalier/onnx"));

/** All specifiers that a built file and the files it imports name. */
function imports(file: string, seen = new Set<string>()): Set<string> {
  for (const [, specifier] of readFileSync(file, "utf8").matchAll(/^(?:import|export) [^;]*?from "([^"]+)"/gms)) {
    const name = specifier!.startsWith(".") ? join(dirname(file), specifier!) : specifier!;
    if (seen.has(name)) continue;
    seen.add(name);
    if (specifier!.startsWith(".")) imports(name, seen);
  }
  return seen;
}

describe("the entry for browsers", () => {
  it("needs no module of Node, in no file it reaches", () => {
    const needed = imports(join(dist, "browser.js"));
    expect([...needed].filter((name) => !name.startsWith("/")).sort()).toEqual([
      "@bufbuild/protobuf",
      "@bufbuild/protobuf/wire",
      "onnx-buf",
    ]);
    expect(imports(join(dist, "index.js"))).toContain("node:fs");
  });

  it("exports everything but the reading and writing of files", () => {
    const missing = Object.keys(all).filter((name) => !(name in browser));
    expect(missing).toEqual(["readModel", "writeModel", "writeModelInSteps"]);
    expect(Object.keys(browser).filter((name) => !(name in all))).toEqual([]);
  });
});
