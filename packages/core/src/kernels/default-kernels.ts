import type { Kernels } from "./kernels.js";
import { simdKernels } from "./simd/simd-kernels.js";
import { typescriptKernels } from "./typescript/typescript-kernels.js";

let chosen: Kernels | undefined;

/** The fastest kernels that run here, the same for all callers of a thread. Compiled when first used: importing costs nothing. */
function defaultKernels(): Kernels {
  chosen ??= simdKernels() ?? typescriptKernels;
  return chosen;
}

/** {@link Kernels.selectSmallest} of the {@link defaultKernels}. */
export const selectSmallest: Kernels["selectSmallest"] = (...given) => defaultKernels().selectSmallest(...given);

/** {@link Kernels.selectSmallestAcross} of the {@link defaultKernels}. */
export const selectSmallestAcross: Kernels["selectSmallestAcross"] = (...given) =>
  defaultKernels().selectSmallestAcross(...given);

/** {@link Kernels.nmMask} of the {@link defaultKernels}. */
export const nmMask: Kernels["nmMask"] = (...given) => defaultKernels().nmMask(...given);

/** {@link Kernels.nmMaskAndApply} of the {@link defaultKernels}. */
export const nmMaskAndApply: Kernels["nmMaskAndApply"] = (...given) => defaultKernels().nmMaskAndApply(...given);

/** {@link Kernels.selectAndApply} of the {@link defaultKernels}. */
export const selectAndApply: Kernels["selectAndApply"] = (...given) => defaultKernels().selectAndApply(...given);

/** {@link Kernels.applyMaskBits} of the {@link defaultKernels}. */
export const applyMaskBits: Kernels["applyMaskBits"] = (...given) => defaultKernels().applyMaskBits(...given);
