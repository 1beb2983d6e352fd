import type { Schedule } from "../schedules/schedule.js";

/** The last pruning step of a schedule in [from, to]; undefined where there is none. */
export function latestPruningStep(schedule: Schedule, from: number, to: number): number | undefined {
  for (let step = Math.min(to, schedule.end); step >= Math.max(from, schedule.start); step--) {
    if (schedule.isPruningStep(step)) return step;
  }
  return undefined;
}
