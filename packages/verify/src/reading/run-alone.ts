import { encodeModel, externalDataFiles, type Model } from "@espalier/onnx";
import { openRunner, type Runner, type RunnerOptions } from "@espalier/runtime";
import { backendsOf } from "../backends.js";
import { problemOf } from "../execution.js";
import type { VerifyOptions } from "../options.js";

/** The backend that parts of a model are run in. */
export function partOptions({ backend }: Pick<VerifyOptions, "backend">): RunnerOptions {
  // Nothing is gained by optimising what runs once, and what is read should not depend on it.
  return { optimization: "disabled", backend: backendsOf(backend)[0] };
}

/**
 * Opens a part of a model, hands it to a function and closes it.
 *
 * @returns what the function returns, or the reason why the runtime refuses the part
 * @throws {RunnerError} when the backend is missing or does not start
 */
export async function runAlone<T>(
  part: Model,
  options: RunnerOptions,
  use: (runner: Runner) => Promise<T>,
): Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string }> {
  try {
    const runner = await openRunner(encodeModel(part), { ...options, externalData: externalDataFiles(part) });
    try {
      return { ok: true, value: await use(runner) };
    } finally {
      await runner.close();
    }
  } catch (error) {
    return { ok: false, reason: `the runtime refuses it: ${problemOf(error)}` };
  }
}
