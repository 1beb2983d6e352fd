import { openNodeRunner } from "./backends/node.js";
import { openWebRunner } from "./backends/web.js";
import { isNode } from "./platform.js";
import type { Backend, Optimization, ResolvedOptions, Runner, RunnerOptions } from "./runner.js";
import { RunnerError } from "./runner-error.js";

const BACKENDS: readonly Backend[] = ["node", "web", "browser"];
const OPTIMIZATIONS: readonly Optimization[] = ["disabled", "basic", "extended", "all"];

/**
 * Loads a model into ONNX Runtime. The backend's package is imported now, not before.
 *
 * The same model gives the same bits every time with one thread, on one backend and one machine; backends differ
 * in the last bits.
 *
 * @param model bytes of an `.onnx` file, or its path (in a browser: its URL). External data of a path are found next to it
 * @returns a runner; call `close()` when done, the memory is not freed otherwise
 * @throws {RunnerError} `backend-missing`, `backend-failed`, `bad-option`, `load-failed`, `unsupported-type`
 */
export async function openRunner(model: string | Uint8Array, options: RunnerOptions = {}): Promise<Runner> {
  const resolved = resolveOptions(options);
  if (resolved.backend === "web") return openWebRunner(model, resolved);
  if (!isNode()) {
    throw new RunnerError("bad-option", `backend: found "${resolved.backend}", but this is not Node. Use "web".`);
  }
  if (resolved.backend === "browser") {
    // Only Node can start a browser: for a bundle this module is nothing (`browser` in package.json).
    const { openBrowserRunner } = await import("./backends/browser/browser.js");
    return openBrowserRunner(model, resolved);
  }
  return openNodeRunner(model, resolved);
}

function resolveOptions(options: RunnerOptions): ResolvedOptions {
  const backend = options.backend ?? (isNode() ? "node" : "web");
  const threads = options.threads ?? 1;
  const optimization = options.optimization ?? "all";
  if (!BACKENDS.includes(backend)) throw badOption("backend", backend, BACKENDS.join(", "));
  if (!Number.isSafeInteger(threads) || threads < 1) throw badOption("threads", threads, "an integer of at least 1");
  if (!OPTIMIZATIONS.includes(optimization)) throw badOption("optimization", optimization, OPTIMIZATIONS.join(", "));
  return { backend, threads, optimization, externalData: options.externalData ?? new Map(), browser: options.browser };
}

function badOption(option: string, value: unknown, expected: string): RunnerError {
  const found = String(value);
  return new RunnerError("bad-option", `${option}: found ${found}, expected ${expected}.`, { expected, found });
}
