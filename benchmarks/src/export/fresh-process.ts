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

/** A model to be loaded once. */
export interface LoadTask {
  readonly backend: Backend;
  readonly optimization: Optimization;
  /** A small model that is loaded first, to load the runtime. */
  readonly warmUp: string;
  readonly path: string;
}

/** What loading took; bytes at the peak, above the loaded runtime. */
export interface Load {
  readonly milliseconds: number;
  readonly bytes: number;
}

/** Milliseconds of every round of every model, one thread, in a fresh process. */
export function timeRuns(task: RunTask): readonly (readonly number[])[] {
  return run("./time-runs.mjs", task) as number[][];
}

/** What loading each model takes, in the order of the tasks: medians of some fresh processes each, taken in turn round after round. */
export function measureLoads(tasks: readonly LoadTask[], processes: number): readonly Load[] {
  const rounds = Array.from({ length: processes }, () => tasks.map((task) => run("./load-once.mjs", task) as Load));
  return tasks.map((_, index) => ({
    milliseconds: median(rounds.map((loads) => loads[index]!.milliseconds)),
    bytes: median(rounds.map((loads) => loads[index]!.bytes)),
  }));
}

/** The middle one; of an even number, the higher of the two. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function run(program: string, task: RunTask | LoadTask): unknown {
  const path = fileURLToPath(new URL(program, import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [path, JSON.stringify(task)], { encoding: "utf8" }));
}
