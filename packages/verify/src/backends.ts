import type { Backend } from "@espalier/runtime";
import { VerifyError } from "./verify-error.js";

/**
 * Largest relative L2 distance that rounding alone may put between two backends.
 *
 * A sum of K products in another order moves by some √K · 2⁻²⁴ of its size, and L such sums one after the other by √L times that:
 * 64 · 17 · 6e-8 = 7e-5 for K = 4096 and L = 300, a transformer of fifty layers. Ten times that and more leaves room for layers that
 * amplify and for outputs in float16, whose last bit is 5e-4. Another way to compute is further off: onnxruntime-node's int8
 * kernels, which round activations, by 5e-3 and more.
 */
export const DEFAULT_BACKEND_DIFFERENCE = 1e-3;

/**
 * The backends that options name, the first one first.
 *
 * @param backend one or several @default node
 * @throws {VerifyError} `invalid-option` for none, or one that is named twice
 */
export function backendsOf(backend: Backend | readonly Backend[] | undefined): readonly [Backend, ...Backend[]] {
  const [first, ...others] = typeof backend === "string" ? [backend] : (backend ?? ["node"]);
  if (first === undefined) throw new VerifyError("invalid-option", "backend is an empty list, expected at least one");
  const twice = others.find((name, index) => name === first || others.indexOf(name) < index);
  if (twice !== undefined) throw new VerifyError("invalid-option", `backend names ${twice} twice`);
  return [first, ...others];
}
