import type { Mask } from "./mask.js";

/** What was decided for one weight. */
export interface WeightMask {
  /** 1 = keep, in the order of the weight's buffer. */
  readonly mask: Mask;
  /** Blocks smaller than the pattern says because a group or the matrix ends there; 0 for patterns without blocks. */
  readonly raggedBlocks: number;
}
