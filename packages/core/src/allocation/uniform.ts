import type { AllocationStrategy } from "./allocation.js";
import { shiftToTotal } from "./shift-to-total.js";

/** The same sparsity for every weight, as far as its steps allow: what allocations are compared with. */
export const uniform: AllocationStrategy = {
  name: "uniform",
  amounts: (shares, { sparsity, amount }) =>
    shiftToTotal(
      shares.map(({ size, step, mostSteps }) => ({ value: sparsity * size, most: mostSteps * step, weight: size })),
      amount,
    ),
};
