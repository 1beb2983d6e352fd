import { quietLog } from "../ort/log-level.js";
import { openLocalSession, sessionOptions } from "../ort/open-session.js";
import type { OrtModule } from "../ort/ort-module.js";
import { isNode } from "../platform.js";
import type { ResolvedOptions, Runner } from "../runner.js";
import { RunnerError } from "../runner-error.js";
import { loadPackage } from "./load-package.js";
import { readModelFile } from "./model-file.js";

/** Threads that the WebAssembly module of this process, page or worker was started with. */
let startedThreads: number | undefined;

/**
 * Opens a model with onnxruntime-web's WebAssembly.
 *
 * In Node a path is read by `@espalier/onnx`, external data included; in a browser it is a URL that ONNX Runtime fetches,
 * and external data are given by the caller.
 */
export async function openWebRunner(model: string | Uint8Array, options: ResolvedOptions): Promise<Runner> {
  const ort = await loadPackage("onnxruntime-web", importWeb);
  quietLog(ort);
  claimThreads(ort, options.threads);
  const file = typeof model === "string" && isNode() ? await readModelFile(model) : { model, externalData: new Map() };
  const externalData = new Map([...file.externalData, ...options.externalData]);
  return openLocalSession("web", ort, file.model, {
    ...sessionOptions({ ...options, externalData }),
    // With onnxruntime-node in the same registry of backends, a session without this would run natively.
    executionProviders: ["wasm"],
  });
}

/**
 * In Node only the main entry works ("/wasm" calls `require`); in browsers "/wasm" is the small one, and the only one
 * that, unlike the webgpu build in the main entry, loads `sparse_initializer`.
 */
async function importWeb(): Promise<OrtModule> {
  return isNode() ? import("onnxruntime-web") : import("onnxruntime-web/wasm");
}

/** The thread pool is made with the first session and cannot grow: a later wish for another size would be ignored. */
function claimThreads(ort: OrtModule, threads: number): void {
  if (threads > 1 && Reflect.get(globalThis, "crossOriginIsolated") === false) {
    throw new RunnerError(
      "bad-option",
      `threads: found ${threads}, but this page is not cross-origin isolated, so WebAssembly has one thread. Serve it with COOP and COEP headers, or use threads: 1.`,
    );
  }
  if (startedThreads !== undefined && startedThreads !== threads) {
    throw new RunnerError(
      "bad-option",
      `threads: found ${threads}, but onnxruntime-web was started with ${startedThreads} and cannot change. Use the same number for all models, or another worker.`,
    );
  }
  startedThreads = threads;
  ort.env.wasm.numThreads = threads;
}
