import type { OrtModule } from "./ort-module.js";

/** ONNX Runtime's severity 4: only fatal messages. What goes wrong is thrown; a library does not print it as well. */
export const LOG_FATAL = 4;

/**
 * Silences ONNX Runtime's process-wide log (about the CPU, while loading), unless the application has chosen a level.
 */
export function quietLog(ort: OrtModule): void {
  if (ort.env.logLevel === "warning") ort.env.logLevel = "fatal";
}
