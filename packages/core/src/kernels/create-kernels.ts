import type { Kernels } from "./kernels.js";
import type { Primitives } from "./primitives.js";
import { select } from "./select.js";

/** All kernels, from the few that an implementation provides. */
export function createKernels(primitives: Primitives): Kernels {
  const selectSmallest: Kernels["selectSmallest"] = (importance, count, bits) =>
    select(primitives, { lengths: [importance.length], values: () => importance, bits: () => bits, out: nowhere }, count);
  return {
    selectSmallest,
    selectSmallestAcross: (lengths, part, count, bits) =>
      select(primitives, { lengths, values: part, bits, out: nowhere }, count),
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
        primitives.applyBits(values, bits, out);
      } else {
        const group = { lengths: [values.length], values: () => values, bits: () => bits, out: () => out };
        select(primitives, group, count);
      }
    },
    applyMaskBits: primitives.applyBits,
  };
}

function nowhere(): undefined {
  return undefined;
}
