import { createKernels } from "../create-kernels.js";
import type { Kernels } from "../kernels.js";
import { applyBits } from "./apply-bits.js";
import { keepFrom } from "./keep-from.js";
import { nOfM } from "./n-of-m.js";
import { instantiateSimd } from "./simd-module.js";

/** The kernels in WebAssembly SIMD, with a memory of their own (448 KiB); undefined where that cannot run. */
export function simdKernels(): Kernels | undefined {
  const module = instantiateSimd();
  return (
    module &&
    createKernels({
      keepFrom: (values, interval, bits, out, found) => keepFrom(module, values, interval, bits, out, found),
      nOfM: (values, inner, n, m, bits, out) => nOfM(module, values, inner, n, m, bits, out),
      applyBits: (values, bits, out) => applyBits(module, values, bits, out),
    })
  );
}
