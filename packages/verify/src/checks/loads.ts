import type { Optimization, Sample } from "@espalier/runtime";
import { type Execution, runOnce, type Side } from "../execution.js";
import { type CheckDefinition, noneAllowed, skipped } from "./check-definition.js";

const LEVELS: readonly Optimization[] = ["disabled", "basic", "all"];

/** The pruned model opens in the runtime at optimisation levels disabled, basic and all, and runs on one sample. */
export const loads: CheckDefinition = {
  name: "loads",
  async run({ execution }) {
    const sample = await execution.firstSample();
    const failures: string[] = [];
    const excused: string[] = [];
    for (const level of LEVELS) {
      const problem = await tryLevel(execution, "pruned", level, sample);
      if (problem === undefined) continue;
      const sameInOriginal = (await tryLevel(execution, "original", level, sample)) !== undefined;
      (sameInOriginal ? excused : failures).push(`at optimisation level ${level}: ${problem}`);
    }
    if (failures.length === 0 && excused.length === LEVELS.length) {
      return skipped(`neither model runs here: ${excused[0]}`);
    }
    const runs = LEVELS.length - excused.length;
    const except = excused.length === 0 ? "" : `; neither does ${excused.join("; ")}`;
    return noneAllowed(
      failures.length,
      `opens and runs at ${runs} of ${LEVELS.length} optimisation levels (${LEVELS.join(", ")})${except}`,
      `the original runs, the pruned model does not ${failures.join("; ")}`,
    );
  },
};

/** What stops a model at a level: opening it, or a run on the sample. */
async function tryLevel(
  execution: Execution,
  side: Side,
  level: Optimization,
  sample: Sample | undefined,
): Promise<string | undefined> {
  const opening = level === "all" ? await execution.open(side) : await execution.openAt(side, level);
  if (!opening.ok) return opening.problem;
  try {
    if (sample === undefined) return undefined;
    const result = await runOnce(opening.runner, sample);
    return result.ok ? undefined : result.problem;
  } finally {
    if (level !== "all") await opening.runner.close();
  }
}
