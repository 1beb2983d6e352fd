import { StatisticsError } from "../statistics-error.js";
import type { Summary } from "../summarize.js";

/**
 * @param mask name of the mask input, if there is one
 * @throws {StatisticsError} `no-samples` when no weight has seen a single position
 */
export function requireMeasured({ statistics }: Summary, mask: string | null): void {
  if (statistics.size > 0) return;
  const advice = mask === null ? "" : ` Is ${JSON.stringify(mask)} 0 everywhere?`;
  throw new StatisticsError("no-samples", `No position of any sample counted for any weight.${advice}`);
}
