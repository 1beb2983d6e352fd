import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Backend, Optimization, Sample, Tensor } from "@espalier/runtime";

/** Models to be run side by side. */
export interface RunTask {
  readonly backend: Backend;
  readonly optimization: Optimization;
  /** An odd number, so that the median is a run that was. */
  readonly rounds: number;
  /** Float32, int32 and int64 inputs. */
  readonly feeds: Sample;
  /** The first is the dense one. */
  readonly paths: readonly string[];
}

/** Milliseconds of every round of every model, one thread, in a fresh process. */
export function timeRuns(task: RunTask): readonly (readonly number[])[] {
  const program = fileURLToPath(new URL("./time-runs.mjs", import.meta.url));
  const feeds = Object.entries(task.feeds).map(([name, tensor]) => [name, plain(tensor)]);
  const input = JSON.stringify({ ...task, feeds: Object.fromEntries(feeds) });
  return JSON.parse(execFileSync(process.execPath, [program], { encoding: "utf8", input }));
}

/** A float32 input, the same numbers every time. */
export function waves(input: string, dims: readonly number[]): Sample {
  const length = dims.reduce((product, size) => product * size, 1);
  return { [input]: { dtype: "float32", dims, data: Float32Array.from({ length }, (_, index) => Math.sin(index)) } };
}

/** As JSON takes it; int64 as texts, which are what `BigInt64Array.from` takes too. */
function plain({ dtype, dims, data }: Tensor) {
  return {
    dtype,
    dims,
    data: Array.from(data as Iterable<number | bigint>, (value) => (typeof value === "bigint" ? String(value) : value)),
  };
}
