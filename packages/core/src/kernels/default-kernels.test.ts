import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it, vi } from "vitest";
import { simdKernels } from "./simd/simd-kernels.js";

const values = Float32Array.of(1, -4, 3, 2, 0, 0, 0, 0);

/** The built package in a thread of its own, which has what a browser has: no Buffer. */
const WORKER = `
const { parentPort, workerData } = require("node:worker_threads");
delete globalThis.Buffer;
import(workerData.kernels).then(({ nmMask }) => {
  const bits = new Uint8Array(1);
  nmMask(workerData.values, 1, 8, 1, 2, 4, bits);
  parentPort.postMessage(bits);
});`;

describe("the default kernels", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it("work where there is no WebAssembly", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    vi.resetModules();
    expect(simdKernels()).toBeUndefined();
    const { nmMask } = await import("./default-kernels.js");
    const bits = new Uint8Array(1);
    nmMask(values, 1, 8, 1, 2, 4, bits);
    expect([...bits]).toEqual([0b11000110]);
  });

  it("work where a security policy forbids WebAssembly", () => {
    vi.stubGlobal("WebAssembly", {
      Module: class {
        constructor() {
          throw new Error("Refused to compile or instantiate WebAssembly module");
        }
      },
    });
    expect(simdKernels()).toBeUndefined();
  });

  it("work in a worker thread and without Node's Buffer", async () => {
    const kernels = new URL("../../dist/kernels/index.js", import.meta.url).href;
    const worker = new Worker(WORKER, { eval: true, workerData: { kernels, values } });
    const [bits] = (await once(worker, "message")) as [Uint8Array];
    await worker.terminate();
    expect([...bits]).toEqual([0b11000110]);
  });

  it("are the SIMD kernels here", () => {
    expect(simdKernels()).toBeDefined();
  });
});
