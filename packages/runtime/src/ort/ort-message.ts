// Messages may hold whole paths and C++ signatures; more than this helps nobody.
const MAX_LENGTH = 400;
const WEB_PREFIX = /^(?:Can't create a session|failed to call OrtRun\(\))\. ERROR_CODE: \d+, ERROR_MESSAGE: /;

/** ONNX Runtime's message on one line, without onnxruntime-web's prefix, cut after 400 characters. */
export function ortMessage(error: unknown): string {
  const raw = error instanceof Error ? error.message : String(error);
  const text = raw.replace(WEB_PREFIX, "").replace(/\s+/g, " ").trim();
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)} …`;
}
