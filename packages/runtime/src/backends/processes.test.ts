import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** What only shows in a process, or a thread, of its own: which packages are loaded, what is printed, how many threads run. */

let folder: string;
let scripts = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-processes-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ENTRY = new URL("../../dist/index.js", import.meta.url).href;
const webCommonJs = createRequire(import.meta.url).resolve("onnxruntime-web");
const webModule = pathToFileURL(webCommonJs.replace(/\.js$/, ".mjs")).href;

const doubled = buildModel({
  nodes: [node("Add", ["x", "x"], ["y"])],
  inputs: [valueInfo("x", "float32", ["N"])],
  outputs: [valueInfo("y", "float32", ["N"])],
});
const openMatMul = buildModel({
  nodes: [node("MatMul", ["a", "b"], ["y"])],
  inputs: [valueInfo("a", "float32", ["M", "K"]), valueInfo("b", "float32", ["L", "N"])],
  outputs: [valueInfo("y", "float32", ["M", "N"])],
});
const matMul = buildModel({
  nodes: [node("MatMul", ["x", "W"], ["y"])],
  initializers: [tensor("W", [8, 8], new Float32Array(64))],
  inputs: [valueInfo("x", "float32", ["N", 8])],
  outputs: [valueInfo("y", "float32", ["N", 8])],
});

const PRELUDE = `
  const { openRunner } = await import(${JSON.stringify(ENTRY)});
  const model = (base64) => new Uint8Array(Buffer.from(base64, "base64"));
  const doubled = model("${base64(doubled)}"), openMatMul = model("${base64(openMatMul)}"), matMul = model("${base64(matMul)}");
  const x = { dtype: "float32", dims: [2], data: Float32Array.of(1, 2) };
  const failure = async (promise) => promise.then(() => "no error", (error) => error);
`;

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Runs a module in a fresh Node process. `hooks` is the source of a module with `resolve` and `load` hooks. */
function runNode(script: string, hooks?: string): { result: unknown; stderr: string; stdout: string } {
  const register = hooks && `data:text/javascript,${encodeURIComponent(registering(hooks))}`;
  const file = join(folder, `script-${++scripts}.mjs`);
  writeFileSync(file, `${PRELUDE}\n${script}\nconsole.log("RESULT" + JSON.stringify(result));`);
  const { stdout, stderr, status } = spawnSync(process.execPath, [...(register ? ["--import", register] : []), file], {
    encoding: "utf8",
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });
  if (status !== 0) throw new Error(`the script failed: ${stderr}`);
  const [before, result] = stdout.split("RESULT");
  return { result: JSON.parse(result!), stderr, stdout: before! };
}

function registering(hooks: string): string {
  const source = `data:text/javascript,${encodeURIComponent(hooks)}`;
  return `import { register } from "node:module"; register(${JSON.stringify(source)});`;
}

/** Hooks under which a package is not installed: the error is Node's own, word for word. */
const without = (name: string) => `
  export async function resolve(specifier, context, next) {
    if (specifier.startsWith("${name}")) {
      throw Object.assign(new Error("Cannot find package '${name}' imported from /app/x.js"), { code: "ERR_MODULE_NOT_FOUND" });
    }
    return next(specifier, context);
  }`;

describe("a backend whose package is not installed", () => {
  it.each(["node", "web"])("%s says what to install, and the other one works", (backend) => {
    const other = backend === "node" ? "web" : "node";
    const { result } = runNode(
      `const { code, message } = await failure(openRunner(doubled, { backend: "${backend}" }));
       const runner = await openRunner(doubled, { backend: "${other}" });
       const { y } = await runner.run({ x });
       const result = { code, message, y: [...y.data] };`,
      without(`onnxruntime-${backend}`),
    );
    expect(result).toEqual({
      code: "backend-missing",
      message: `onnxruntime-${backend} is not installed. Add it to your project: npm install onnxruntime-${backend}`,
      y: [2, 4],
    });
  });

  it("is told apart from one that is broken", () => {
    const broken = `
      export async function resolve(specifier, context, next) {
        if (specifier === "onnxruntime-node") return { url: "data:text/javascript,throw new Error('no binding for this platform')", shortCircuit: true };
        return next(specifier, context);
      }`;
    const { result } = runNode(
      `const { code, message } = await failure(openRunner(doubled)); const result = { code, message };`,
      broken,
    );
    expect(result).toEqual({
      code: "backend-failed",
      message: "onnxruntime-node does not start: no binding for this platform",
    });
  });
});

describe("a backend's package", () => {
  it("is not loaded before that backend is asked for", () => {
    const { result } = runNode(
      `const { createRequire } = await import("node:module");
       const loaded = () => Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes("onnxruntime-node")).length > 0;
       const before = loaded();
       await (await openRunner(doubled, { backend: "web" })).close();
       const afterWeb = loaded();
       await (await openRunner(doubled, { backend: "node" })).close();
       const result = [before, afterWeb, loaded()];`,
    );
    expect(result).toEqual([false, false, true]);
  });
});

describe("the web backend beside onnxruntime-node", () => {
  // An application bundled to CommonJS has one onnxruntime-common for both packages: one registry of backends.
  const shared = `
    const source = ${JSON.stringify(
      `import { createRequire } from "node:module";
       export const { InferenceSession, Tensor, env } = createRequire(${JSON.stringify(webCommonJs)})(${JSON.stringify(webCommonJs)});`,
    )};
    export async function resolve(specifier, context, next) {
      if (specifier === "onnxruntime-web") return { url: "data:text/javascript," + encodeURIComponent(source), shortCircuit: true };
      return next(specifier, context);
    }`;
  const script = (open: string) => `
    await (await openRunner(doubled, { backend: "node" })).close();
    const web = await import("onnxruntime-web");
    const tensor = (dims) => new web.Tensor("float32", new Float32Array(dims[0] * dims[1]), dims);
    const feed = (dims) => ({ dtype: "float32", dims, data: new Float32Array(dims[0] * dims[1]) });
    ${open}
    const result = String(error.cause ?? error).includes("failed to call OrtRun()") ? "wasm" : "native";`;

  it("would run natively in one registry, were it not told otherwise: the trap is real", () => {
    const naive = `
      const session = await web.InferenceSession.create(openMatMul);
      const error = await failure(session.run({ a: tensor([2, 3]), b: tensor([2, 3]) }));`;
    expect(runNode(script(naive), shared).result).toBe("native");
  });

  it("runs as WebAssembly all the same", () => {
    const ours = `
      const runner = await openRunner(openMatMul, { backend: "web" });
      const error = await failure(runner.run({ a: feed([2, 3]), b: feed([2, 3]) }));`;
    expect(runNode(script(ours), shared).result).toBe("wasm");
  });
});

describe.each(["node", "web"])("the %s backend in a process of its own", (backend) => {
  it("prints nothing, whatever fails", () => {
    const { result, stdout, stderr } = runNode(
      `const runner = await openRunner(openMatMul, { backend: "${backend}" });
       const feed = (dims) => ({ dtype: "float32", dims, data: new Float32Array(dims[0] * dims[1]) });
       const codes = [
         await failure(runner.run({ a: feed([2, 3]), b: feed([2, 3]) })),
         await failure(openRunner(Uint8Array.of(1, 2, 3), { backend: "${backend}" })),
       ].map((error) => error.code);
       await runner.close();
       const result = codes;`,
    );
    expect(result).toEqual(["run-failed", "load-failed"]);
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
  });

  it("lets the process end without close()", () => {
    const { result } = runNode(
      `const runner = await openRunner(doubled, { backend: "${backend}" });
       const result = [...(await runner.run({ x })).y.data];`,
    );
    expect(result).toEqual([2, 4]);
  });

  it("gives float16 as plain bits where the engine has Float16Array", () => {
    // A stand-in for engines without it; Node 24 and later run this with the real one.
    const half = buildModel({
      nodes: [node("Identity", ["x"], ["y"])],
      inputs: [valueInfo("x", "float16", ["N"])],
      outputs: [valueInfo("y", "float16", ["N"])],
    });
    const { result } = runNode(
      `globalThis.Float16Array ??= class Float16Array extends Uint16Array {};
       const runner = await openRunner(model("${base64(half)}"), { backend: "${backend}" });
       const bits = Uint16Array.of(7, 0x3c00, 0x7e01).subarray(1);
       const { y } = await runner.run({ x: { dtype: "float16", dims: [2], data: bits } });
       const result = [y.dtype, y.data.constructor === Uint16Array, [...y.data]];`,
    );
    expect(result).toEqual(["float16", true, [0x3c00, 0x7e01]]);
  });

  it("runs in a worker thread", async () => {
    const worker = new Worker(
      `${PRELUDE}
       const runner = await openRunner(doubled, { backend: "${backend}" });
       const { y } = await runner.run({ x });
       await runner.close();
       const { parentPort } = await import("node:worker_threads");
       parentPort.postMessage([...y.data]);`
        .replace(/^/, "(async () => {")
        .replace(/$/, "})()"),
      { eval: true },
    );
    const message = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    expect(message).toEqual([2, 4]);
    await worker.terminate();
  });
});

describe("threads", () => {
  // Linux lists a process's threads; elsewhere the same option is passed and nothing can be counted.
  it.runIf(process.platform === "linux")("are as many as asked for with onnxruntime-node, one by default", () => {
    const { result } = runNode(
      `const { readdirSync } = await import("node:fs");
       const count = () => readdirSync("/proc/self/task").length;
       await (await openRunner(matMul)).close();
       const before = count();
       const one = await openRunner(matMul);
       const withOne = count() - before;
       const three = await openRunner(matMul, { threads: 3 });
       const result = [withOne, count() - before];`,
    );
    // The calling thread is one of them.
    expect(result).toEqual([0, 2]);
  });

  it("of onnxruntime-web are fixed by the first model: another number is refused, not ignored", () => {
    const { result } = runNode(
      `await (await openRunner(doubled, { backend: "web" })).close();
       const again = await openRunner(doubled, { backend: "web", threads: 1 });
       const { code, message } = await failure(openRunner(doubled, { backend: "web", threads: 2 }));
       const native = await openRunner(doubled, { backend: "node", threads: 2 });
       const result = { code, message, native: native.backend, y: [...(await again.run({ x })).y.data] };`,
    );
    expect(result).toEqual({
      code: "bad-option",
      message:
        "threads: found 2, but onnxruntime-web was started with 1 and cannot change. Use the same number for all models, or another worker.",
      native: "node",
      y: [2, 4],
    });
  });

  it("of onnxruntime-web can be two", () => {
    const { result } = runNode(
      `const runner = await openRunner(doubled, { backend: "web", threads: 2 });
       const { y } = await runner.run({ x });
       const { env } = await import("${webModule}");
       const result = { threads: env.wasm.numThreads, y: [...y.data] };`,
    );
    expect(result).toEqual({ threads: 2, y: [2, 4] });
  });

  it("of onnxruntime-web need a cross-origin isolated page", () => {
    const { result } = runNode(
      `globalThis.crossOriginIsolated = false;
       const { code } = await failure(openRunner(doubled, { backend: "web", threads: 2 }));
       const one = await openRunner(doubled, { backend: "web" });
       const result = [code, one.backend];`,
    );
    expect(result).toEqual(["bad-option", "web"]);
  });
});

describe("optimization", () => {
  it("is passed on: onnxruntime-node turns DequantizeLinear + MatMul into an approximate kernel from `extended` on", async () => {
    const { openRunner } = await import("@espalier/runtime");
    const weights = Int8Array.from({ length: 64 * 4 }, (_, i) => ((i * 37) % 255) - 127);
    const model = buildModel({
      nodes: [node("DequantizeLinear", ["q", "s"], ["W"], { axis: 1 }), node("MatMul", ["x", "W"], ["y"])],
      initializers: [tensor("q", [64, 4], weights), tensor("s", [4], Float32Array.of(0.01, 0.02, 0.03, 0.04))],
      inputs: [valueInfo("x", "float32", ["N", 64])],
      outputs: [valueInfo("y", "float32", ["N", 4])],
    });
    const data = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
    const results: Record<string, unknown> = {};
    for (const optimization of ["disabled", "basic", "extended", "all", undefined] as const) {
      const runner = await openRunner(model, { backend: "node", ...(optimization && { optimization }) });
      const { y } = await runner.run({ x: { dtype: "float32", dims: [1, 64], data } });
      results[optimization ?? "default"] = [...(y!.data as Float32Array)].join();
      await runner.close();
    }
    expect(results.basic).toBe(results.disabled);
    expect(results.extended).not.toBe(results.basic);
    expect(results.all).toBe(results.extended);
    expect(results.default).toBe(results.all);
  });
});

describe("the built package in a browser", () => {
  /** What the files say that are reached from the entry, save those that `skipped` holds. */
  function visitAll(imports: RegExp, skipped: ReadonlySet<string> = new Set()) {
    const seen = new Set<string>();
    const foreign = new Set<string>();
    const visit = (file: string) => {
      if (seen.has(file) || skipped.has(file)) return;
      seen.add(file);
      for (const specifier of readFileSync(file, "utf8").matchAll(imports)) {
        const name = specifier.slice(1).find((part) => part !== undefined)!;
        if (name.startsWith(".")) visit(join(dirname(file), name));
        else foreign.add(name);
      }
    };
    visit(fileURLToPath(ENTRY));
    return { files: seen.size, foreign: [...foreign].sort() };
  }

  it("imports neither Node's modules nor a runtime before it is asked to", () => {
    const { files, foreign } = visitAll(/^(?:import|export)\b.*?\bfrom "([^"]+)"|^import "([^"]+)"/gms);
    expect(files).toBeGreaterThan(20);
    expect(foreign).toEqual(["fflate"]);
  });

  it("holds nothing of Node for a bundler to stumble on, behind what package.json maps to nothing", () => {
    const root = dirname(dirname(fileURLToPath(ENTRY)));
    const { browser } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      browser: Record<string, false>;
    };
    const mapped = new Set(Object.keys(browser).map((name) => (name.startsWith(".") ? join(root, name) : name)));
    const { foreign } = visitAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)"|\bimport\("([^"]+)"\)/gm, mapped);
    expect(foreign.filter((name) => !mapped.has(name))).toEqual(["fflate", "onnxruntime-web/wasm"]);
    const everything = visitAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)"|\bimport\("([^"]+)"\)/gm);
    expect(everything.foreign).toContain("node:http");
  });
});
