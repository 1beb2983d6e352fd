import { createKernels } from "../create-kernels.js";
import type { Kernels } from "../kernels.js";
import { cutOf } from "./cut-of.js";
import { keepFrom } from "./keep-from.js";
import { nOfM } from "./n-of-m.js";

/** The kernels in TypeScript: the reference, and the fallback where WebAssembly SIMD is missing. */
export const typescriptKernels: Kernels = createKernels({ keepFrom, cutOf, nOfM });
