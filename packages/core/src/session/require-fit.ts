import { CoreError } from "../errors.js";
import type { Pattern } from "../patterns/pattern.js";
import type { Schedule } from "../schedules/schedule.js";

/** Throws `invalid-schedule` unless a schedule ends at the pattern's sparsity, at once where the pattern knows no other. */
export function requireFit({ spec, sparsity, withSparsity }: Pattern, { start, end, finalSparsity }: Schedule): void {
  if (!withSparsity && start !== end) {
    throw new CoreError(
      "invalid-schedule",
      `the pattern ${spec} fixes its sparsity and cannot be reached over steps ${start} to ${end}: use oneShot`,
    );
  }
  if (finalSparsity === sparsity) return;
  throw new CoreError(
    "invalid-schedule",
    `the schedule ends at sparsity ${finalSparsity}, the pattern ${spec} asks for ${sparsity}: expected the same`,
  );
}
