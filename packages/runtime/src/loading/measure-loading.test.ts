import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureLoading } from "@espalier/runtime";
import { buildModel, externalTensor, hasChromium, node, random, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** Bytes of the large model's only weight. */
const WEIGHT_BYTES = 4 * 2048 * 4096;

let folder: string;
const file = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = join(mkdtempSync(join(tmpdir(), "espalier-loading-")), "with a space");
  mkdirSync(folder);
  const values = random(1).float32(WEIGHT_BYTES / 4);
  writeFileSync(file("large.onnx"), product(tensor("w", [2048, 4096], values), 2048, 4096));
  writeFileSync(file("small.onnx"), product(tensor("w", [4, 4], values.subarray(0, 16)), 4, 4));
  writeFileSync(file("weights.bin"), new Uint8Array(values.buffer));
  const location = { location: "weights.bin", offset: 0, length: WEIGHT_BYTES };
  writeFileSync(file("external.onnx"), product(externalTensor("w", [2048, 4096], "float32", location), 2048, 4096));
});
afterAll(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

function product(weight: ReturnType<typeof tensor>, inputs: number, outputs: number): Uint8Array {
  return buildModel({
    nodes: [node("MatMul", ["x", "w"], ["y"])],
    initializers: [weight],
    inputs: [valueInfo("x", "float32", ["N", inputs])],
    outputs: [valueInfo("y", "float32", ["N", outputs])],
  });
}

describe.each(["node", "web"] as const)("measureLoading with the %s backend", (backend) => {
  it("tells a large model from a small one, external data included", async () => {
    const paths = ["small.onnx", "large.onnx", "external.onnx"].map(file);
    const [small, large, external] = await measureLoading(paths, { backend, processes: 1 });
    for (const loading of [large!, external!]) {
      expect(loading.processes).toBe(1);
      expect(loading.milliseconds.median).toBeGreaterThan(0);
      if (process.platform !== "linux") continue;
      // The weight itself, read or mapped, and a packed copy of it for the product; all else is small or none.
      expect(loading.peakBytes!.median).toBeGreaterThan(0.9 * WEIGHT_BYTES);
      expect(loading.peakBytes!.median).toBeLessThan(8 * WEIGHT_BYTES);
      expect(small!.peakBytes!.median).toBeLessThan(0.5 * WEIGHT_BYTES);
    }
  });

  it("says why a model cannot be loaded", async () => {
    writeFileSync(file("broken.onnx"), Uint8Array.of(1, 2, 3));
    for (const name of ["broken.onnx", "missing.onnx"]) {
      const error = { code: "load-failed", message: expect.stringContaining(name) };
      await expect(measureLoading([file(name)], { backend })).rejects.toMatchObject(error);
    }
  });
});

describe("measureLoading", () => {
  it("takes turns between the models, and sums up each", async () => {
    const [a, b] = [file("small.onnx"), file("external.onnx")];
    const seen: string[] = [];
    const loadings = await measureLoading([a, b], {
      processes: 2,
      onProgress: ({ done, total, path }) => seen.push(`${done}/${total} ${path}`),
    });
    expect(seen).toEqual([`0/4 ${a}`, `1/4 ${b}`, `2/4 ${a}`, `3/4 ${b}`]);
    for (const {
      processes,
      milliseconds: { min, median, max },
    } of loadings) {
      expect(processes).toBe(2);
      expect(median).toBeCloseTo((min + max) / 2, 9);
    }
  });

  it("gives nothing for no model", async () => {
    expect(await measureLoading([])).toEqual([]);
  });

  it.each([
    [{ processes: 0 }, "processes: found 0, expected an integer of at least 1."],
    [{ processes: 1.5 }, "processes: found 1.5, expected an integer of at least 1."],
    [{ backend: "cuda" }, "backend: found cuda, expected node, web, browser."],
  ])("refuses %j", async (options, message) => {
    const loading = measureLoading([file("small.onnx")], options as object);
    await expect(loading).rejects.toMatchObject({ code: "bad-option", message });
  });

  it("names a process that dies, with what it printed", async () => {
    const before = process.env.NODE_OPTIONS;
    process.env.NODE_OPTIONS = "--no-such-flag";
    try {
      await expect(measureLoading([file("small.onnx")])).rejects.toMatchObject({
        code: "process-failed",
        message: expect.stringMatching(/small\.onnx ended with exit code 9: .*--no-such-flag/),
      });
    } finally {
      if (before === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = before;
    }
  });

  it("starts nothing after an abort", async () => {
    const reason = new Error("enough");
    const loading = measureLoading([file("missing.onnx")], { signal: AbortSignal.abort(reason) });
    await expect(loading).rejects.toBe(reason);
  });

  it.skipIf(process.platform === "win32")("kills the process under way on an abort", async () => {
    execFileSync("mkfifo", [file("pipe.onnx")]);
    const controller = new AbortController();
    const loading = measureLoading([file("pipe.onnx")], { signal: controller.signal });
    // Opens when the process begins to read the model, which then waits for bytes that never come.
    const writer = await open(file("pipe.onnx"), "w");
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(loading).rejects.toBe(reason);
    // Nobody is left to read.
    await expect(writer.write("x")).rejects.toMatchObject({ code: "EPIPE" });
    await writer.close();
  });

  it.skipIf(process.platform !== "linux" || !hasChromium)("ends the browser with its profile on an abort", async () => {
    execFileSync("mkfifo", [file("browser-pipe.onnx")]);
    mkdirSync(file("temporary"));
    const profiles = () => readdirSync(file("temporary")).filter((name) => name.startsWith("playwright"));
    const before = process.env.TMPDIR;
    process.env.TMPDIR = file("temporary");
    const controller = new AbortController();
    try {
      const options = { backend: "browser", signal: controller.signal } as const;
      const loading = measureLoading([file("browser-pipe.onnx")], options);
      // Opens when the process, which has a browser by then, begins to read the model.
      const writer = await open(file("browser-pipe.onnx"), "w");
      expect(profiles()).not.toEqual([]);
      const reason = new Error("enough");
      controller.abort(reason);
      await writer.close();
      await expect(loading).rejects.toBe(reason);
      expect(profiles()).toEqual([]);
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  });
});
