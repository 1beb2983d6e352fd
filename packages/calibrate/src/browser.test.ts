import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as all from "@espalier/calibrate";
import { describe, expect, it } from "vitest";
import * as browser from "./browser.js";

const dist = dirname(createRequire(import.meta.url).resolve("@espalier/calibrate"));

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
    const packages = ["@espalier/onnx", "@espalier/runtime", "msgpackr"];
    expect([...needed].filter((name) => !name.startsWith("/")).sort()).toEqual(packages);
    expect(imports(join(dist, "index.js"))).toContain("piscina");
  });

  it("exports everything but workers, files and digests", () => {
    const missing = Object.keys(all).filter((name) => !(name in browser));
    const ofNode = [
      "collectStatistics",
      "digestSamples",
      "fingerprintModel",
      "readStatisticsFile",
      "writeStatisticsFile",
    ];
    expect(missing.sort()).toEqual(ofNode);
    expect(Object.keys(browser).filter((name) => !(name in all))).toEqual([]);
  });
});
