import type { Backend, Optimization, Sample } from "@espalier/runtime";
import { type Execution, runOnce, type Side } from "../execution.js";
import { type CheckDefinition, noneAllowed, skipped } from "./check-definition.js";

const LEVELS: readonly Optimization[] = ["disabled", "basic", "all"];

/** The pruned model opens at optimisation levels disabled, basic and all in every backend asked for, and runs on one sample. */
export const loads: CheckDefinition = {
  name: "loads",
  async run({ execution }) {
    const sample = await execution.firstSample();
    const failures: string[] = [];
    const excused: string[] = [];
    const { backends } = execution;
    const tries = backends.flatMap((backend) => LEVELS.map((level) => ({ backend, level })));
    for (const { backend, level } of tries) {
      const problem = await tryLevel(execution, "pruned", backend, level, sample);
      if (problem === undefined) continue;
      const sameInOriginal = (await tryLevel(execution, "original", backend, level, sample)) !== undefined;
      const where = `at optimisation level ${level}${backends.length > 1 ? ` in ${backend}` : ""}`;
      (sameInOriginal ? excused : failures).push(`${where}: ${problem}`);
    }
    if (failures.length === 0 && excused.length === tries.length) {
      return skipped(`neither model runs here: ${excused[0]}`);
    }
    const except = excused.length === 0 ? "" : `; neither does ${excused.join("; ")}`;
    const levels = `optimisation levels (${LEVELS.join(", ")})`;
    const all = `${tries.length} ${levels}${backends.length > 1 ? ` in ${backends.join(", ")}` : ""}`;
    return noneAllowed(
      failures.length,
      `opens and runs at ${tries.length - excused.length} of ${all}${except}`,
      `the original runs, the pruned model does not ${failures.join("; ")}`,
    );
  },
};

/** What stops a model at a level: opening it, or a run on the sample. */
async function tryLevel(
  execution: Execution,
  side: Side,
  backend: Backend,
  level: Optimization,
  sample: Sample | undefined,
): Promise<string | undefined> {
  const opening = level === "all" ? await execution.open(side, backend) : await execution.openAt(side, level, backend);
  if (!opening.ok) return opening.problem;
  try {
    if (sample === undefined) return undefined;
    const result = await runOnce(opening.runner, sample);
    return result.ok ? undefined : result.problem;
  } finally {
    if (level !== "all") await opening.runner.close();
  }
}
