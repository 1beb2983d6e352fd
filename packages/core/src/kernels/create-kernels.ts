import { applyMaskBits } from "./apply-mask-bits.js";
import type { Kernels } from "./kernels.js";
import type { Primitives } from "./primitives.js";
import { select } from "./select.js";
import { groupOf } from "./selection-group.js";

/** All kernels, from the few that an implementation provides. */
export function createKernels(primitives: Primitives): Kernels {
  const selectSmallest: Kernels["selectSmallest"] = (importance, count, bits) =>
    select(primitives, groupOf(importance, bits, undefined), count);
  return {
    selectSmallest,
    selectSmallestAcross: (lengths, part, count, bits) =>
      select(primitives, { lengths, values: part, bits, out: () => undefined }, count),
    nmMask(values, _outer, _k, inner, n, m, bits) {
      bits.fill(0);
      primitives.nOfM(values, inner, n, m, bits, undefined);
    },
    nmMaskAndApply(values, _outer, _k, inner, n, m, bits, out) {
      bits.fill(0);
      primitives.nOfM(values, inner, n, m, bits, out);
    },
    selectAndApply(values, count, bits, out) {
      if (out.buffer === values.buffer) {
        // A selection may write its output twice, and must read the input the second time.
        selectSmallest(values, count, bits);
        applyMaskBits(values, bits, out);
      } else {
        select(primitives, groupOf(values, bits, out), count);
      }
    },
    applyMaskBits,
  };
}
