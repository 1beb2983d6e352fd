import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { compileKernels, generatedModule } from "./build-kernels.js";

describe("build-kernels", () => {
  it("compiles the committed module from the committed source, byte for byte", async () => {
    const committed = new URL("../packages/core/src/kernels/kernels.wasm.ts", import.meta.url);
    expect(await readFile(committed, "utf8")).toBe(generatedModule(await compileKernels()));
  });
});
