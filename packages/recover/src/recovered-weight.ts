import { Mask } from "@espalier/core";
import type { LayerReport, LayerSolution } from "./solve/layer-task.js";

/** What became of one weight. */
export interface RecoveredWeight {
  readonly mask: Mask;
  /** The new values in buffer order, 0 where the mask prunes. */
  readonly values: Float32Array | Float64Array;
  readonly report: LayerReport;
}

export function recoveredWeight({ mask, values, report }: LayerSolution): RecoveredWeight {
  return { mask: Mask.adopt(mask.length, mask.bits), values, report };
}
