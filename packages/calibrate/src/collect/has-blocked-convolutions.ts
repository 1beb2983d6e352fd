import type { Backend } from "@espalier/runtime";

/**
 * Whether ONNX Runtime keeps values of convolutions in blocks of channels: its native CPU provider on x64 does. Sums are
 * taken in another way there, which is faster.
 *
 * @param backend as `openRunner` takes it
 */
export function hasBlockedConvolutions(backend: Backend | undefined): boolean {
  const isNode = typeof process !== "undefined" && process.versions?.node !== undefined;
  return isNode && backend !== "web" && process.arch === "x64";
}
