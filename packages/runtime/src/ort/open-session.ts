import type { Backend, ResolvedOptions, Runner } from "../runner.js";
import { RunnerError } from "../runner-error.js";
import { LOG_FATAL } from "./log-level.js";
import { ortMessage } from "./ort-message.js";
import type { OrtModule, OrtSession, OrtSessionOptions, OrtTensors } from "./ort-module.js";
import { OrtRunner } from "./ort-runner.js";
import { unsupportedType } from "./value-info.js";

/** Element types that ONNX Runtime loads but its JavaScript API cannot name, by their number in the ONNX format. */
const UNNAMED_TYPES: Readonly<Record<string, string>> = {
  14: "complex64",
  15: "complex128",
  16: "bfloat16",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  23: "float4e2m1",
};

/** The session options that all backends share. */
export function sessionOptions(options: ResolvedOptions): OrtSessionOptions {
  return {
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: options.optimization,
    logSeverityLevel: LOG_FATAL,
    externalData: [...options.externalData].map(([path, data]) => ({
      path,
      data: typeof data === "function" ? data() : data,
    })),
  };
}

/**
 * Loads a model and wraps it.
 *
 * @param model for messages
 * @param create opens the session
 * @throws {RunnerError} `load-failed`, `unsupported-type`
 */
export async function openSession(
  backend: Backend,
  ort: OrtTensors,
  model: string | Uint8Array,
  create: () => Promise<OrtSession>,
): Promise<Runner> {
  const session = await create().catch((cause: unknown) => {
    throw loadFailure(model, cause);
  });
  try {
    return new OrtRunner(backend, ort, session);
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Loads a model with a package that is in this process. */
export function openLocalSession(
  backend: Backend,
  ort: OrtModule,
  model: string | Uint8Array,
  options: OrtSessionOptions,
): Promise<Runner> {
  // One of two overloads, chosen by the type of `model`.
  return openSession(backend, ort, model, () => ort.InferenceSession.create(model as Uint8Array, options));
}

function loadFailure(model: string | Uint8Array, cause: unknown): RunnerError {
  const reason = ortMessage(cause);
  const unnamed = /^unsupported data type: (\d+)$/i.exec(reason);
  if (unnamed !== null) return unsupportedType(`one is ${UNNAMED_TYPES[unnamed[1]!] ?? `type ${unnamed[1]}`}`, cause);
  const what = typeof model === "string" ? model : `the model of ${model.byteLength} bytes`;
  // onnxruntime-web names its "MountedFiles" when a model from a URL wants files that nobody gave.
  const wantsFiles = typeof model === "string" ? /MountedFiles/ : /external|model_path must not be empty/i;
  const hint = wantsFiles.test(reason)
    ? " The model keeps weights in other files: give them as `externalData`, or open it by its path."
    : "";
  return new RunnerError("load-failed", `ONNX Runtime cannot load ${what}: ${reason}${hint}`, { cause });
}
