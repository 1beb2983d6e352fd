import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Backend, Optimization } from "@espalier/runtime";

/** Models to be run side by side. */
export interface RunTask {
  readonly backend: Backend;
  readonly optimization: Optimization;
  /** An odd number, so that the median is a run that was. */
  readonly rounds: number;
  readonly input: string;
  readonly dims: readonly number[];
  /** The first is the dense one. */
  readonly paths: readonly string[];
}

/** Milliseconds of every round of every model, one thread, in a fresh process. */
export function timeRuns(task: RunTask): readonly (readonly number[])[] {
  const program = fileURLToPath(new URL("./time-runs.mjs", import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [program, JSON.stringify(task)], { encoding: "utf8" }));
}
