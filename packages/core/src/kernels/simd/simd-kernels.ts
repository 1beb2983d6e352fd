import { createKernels } from "../create-kernels.js";
import type { Kernels } from "../kernels.js";
import { cutOf } from "./cut-of.js";
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
      cutOf: (values, count) => cutOf(module, values, count),
      nOfM: (values, inner, n, m, bits, out) => nOfM(module, values, inner, n, m, bits, out),
    })
  );
}
