import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeWeights, lowerBlocks, type WeightChoice } from "@espalier/export";
import { decodeModel, encodeModel, prunableWeights } from "@espalier/onnx";
import { buildModel, hasChromium, launchChromium, node, tensor, valueInfo } from "@espalier/testkit";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blockMatrix } from "../test-support/block-models.js";
import { weights } from "../test-support/weight-cases.js";

const RUNTIME = dirname(fileURLToPath(import.meta.resolve("onnxruntime-web")));
const TYPES: Readonly<Record<string, string>> = { ".mjs": "text/javascript", ".wasm": "application/wasm" };

const [ROWS, INPUTS, HIDDEN, OUTPUTS] = [4, 96, 192, 64];

/** x → MatMul → Relu → MatMul → y with these two matrices. */
function perceptron(first: Float32Array<ArrayBuffer>, second: Float32Array<ArrayBuffer>) {
  const bytes = buildModel({
    nodes: [node("MatMul", ["x", "W1"], ["h"]), node("Relu", ["h"], ["a"]), node("MatMul", ["a", "W2"], ["y"])],
    initializers: [tensor("W1", [INPUTS, HIDDEN], first), tensor("W2", [HIDDEN, OUTPUTS], second)],
    inputs: [valueInfo("x", "float32", [ROWS, INPUTS])],
    outputs: [valueInfo("y", "float32", [ROWS, OUTPUTS])],
  });
  return decodeModel(bytes);
}

/** Two of every four inputs, other ones for each output. */
const twoOfFour = (inputs: number, outputs: number) =>
  weights(inputs * outputs, (index) => (Math.floor(index / outputs) + index) % 4 < 2);
const blocks = (inFeatures: number, outChannels: number) =>
  blockMatrix({ inFeatures, outChannels, bk: 8, bn: 32, density: 0.5 });

/** Every format by name, after the pruned dense model that it has to agree with. */
function modelsByName(): ReadonlyMap<string, Uint8Array> {
  const pruned = perceptron(twoOfFour(INPUTS, HIDDEN), twoOfFour(HIDDEN, OUTPUTS));
  const blockPruned = perceptron(blocks(INPUTS, HIDDEN), blocks(HIDDEN, OUTPUTS));
  const stored = (choice: WeightChoice) =>
    encodeWeights(pruned, new Map(prunableWeights(pruned).map(({ name }) => [name, choice])));
  const lowered = (form: "multi" | "bmm") =>
    lowerBlocks(blockPruned, { blocks: { bk: 8, bn: 32 }, target: "ort-web", choose: () => form }).model;
  const models = {
    dense: pruned,
    bitmask: stored({ encoding: "bitmask" }),
    gap: stored({ encoding: "gap" }),
    nm: stored({ encoding: "nm" }),
    coo: stored({ encoding: "coo" }),
    "int8-dense": stored({ encoding: "dense", values: "int8" }),
    "int8-nm": stored({ encoding: "nm", values: "int8" }),
    "blocks-dense": blockPruned,
    "blocks-multi": lowered("multi"),
    "blocks-bmm": lowered("bmm"),
  };
  return new Map(Object.entries(models).map(([name, model]) => [name, encodeModel(model)]));
}

/** Runs every model and keeps what came out, or what was thrown, in `results`; the address says build and threads. */
const page = (names: readonly string[]) => `<!doctype html><script type="module">
  const { searchParams } = new URL(location.href);
  const results = { isolated: crossOriginIsolated, outputs: {}, errors: {} };
  try {
    const ort = await import("/runtime/ort." + searchParams.get("build") + ".min.mjs");
    ort.env.wasm.wasmPaths = "/runtime/";
    ort.env.wasm.numThreads = Number(searchParams.get("threads"));
    ort.env.logLevel = "fatal";
    const data = Float32Array.from({ length: ${ROWS * INPUTS} }, (_, index) => Math.sin(index));
    for (const name of ${JSON.stringify(names)}) {
      try {
        const session = await ort.InferenceSession.create("/models/" + name, { executionProviders: ["wasm"] });
        const { y } = await session.run({ x: new ort.Tensor("float32", data, [${ROWS}, ${INPUTS}]) });
        results.outputs[name] = [...y.data];
      } catch (error) { results.errors[name] = String(error); }
    }
  } catch (error) { results.errors.page = String(error); }
  globalThis.results = results;
</script>`;

interface Results {
  readonly isolated: boolean;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly errors: Readonly<Record<string, string>>;
}

/** The same kept blocks are summed in another order: at most some 2⁻²⁴ · √192 of the largest output. */
const TOLERANCE = 1e-6;

function expectSameOutputs({ outputs }: Results, formats: readonly string[]): void {
  for (const format of formats) expect(outputs[format], format).toEqual(outputs.dense);
  expect(outputs["int8-nm"]).toEqual(outputs["int8-dense"]);
  const wanted = outputs["blocks-dense"]!;
  const largest = Math.max(...wanted.map(Math.abs));
  for (const format of ["blocks-multi", "blocks-bmm"]) {
    const difference = Math.max(...wanted.map((value, index) => Math.abs(value - outputs[format]![index]!)));
    expect(difference, format).toBeLessThanOrEqual(TOLERANCE * largest);
  }
}

describe.skipIf(!hasChromium)("exported models in Chromium (skipped where /usr/bin/chromium is missing)", () => {
  let server: Server;
  let browser: Browser;

  beforeAll(async () => {
    const models = modelsByName();
    server = createServer((request, response) => {
      const url = new URL(request.url!, "http://localhost");
      // Only a page with these headers may share memory between threads.
      if (url.searchParams.get("threads") !== "1") {
        response.setHeader("cross-origin-opener-policy", "same-origin");
        response.setHeader("cross-origin-embedder-policy", "require-corp");
      }
      if (url.pathname === "/") {
        return response.setHeader("content-type", "text/html").end(page([...models.keys()]));
      }
      const name = basename(url.pathname);
      const model = models.get(name);
      if (model) return response.end(model);
      if (!existsSync(join(RUNTIME, name))) return response.writeHead(404).end();
      response.setHeader("content-type", TYPES[extname(name)] ?? "text/plain");
      return response.end(readFileSync(join(RUNTIME, name)));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  async function inChromium(build: "wasm" | "webgpu", threads: number): Promise<Results> {
    const page = await browser.newPage();
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/?build=${build}&threads=${threads}`);
    const results = await page.waitForFunction("globalThis.results", undefined, { timeout: 0 });
    const value = (await results.jsonValue()) as Results;
    await page.close();
    return value;
  }

  test("every format gives the outputs of the pruned dense model with one thread", async () => {
    const results = await inChromium("wasm", 1);
    expect(results.errors).toEqual({});
    expect(results.isolated).toBe(false);
    expectSameOutputs(results, ["bitmask", "gap", "nm", "coo"]);
  });

  test("and with two threads in a page that is cross-origin isolated", async () => {
    const results = await inChromium("wasm", 2);
    expect(results.errors).toEqual({});
    expect(results.isolated).toBe(true);
    expectSameOutputs(results, ["bitmask", "gap", "nm", "coo"]);
  });

  test("the WebGPU build's WebAssembly runs all of them but coo, which it refuses", async () => {
    const results = await inChromium("webgpu", 1);
    expect(Object.keys(results.errors)).toEqual(["coo"]);
    expectSameOutputs(results, ["bitmask", "gap", "nm"]);
  });
});
