import { isNode } from "../platform.js";
import type { Backend, Optimization } from "../runner.js";
import { RunnerError } from "../runner-error.js";
import type { Load } from "./load-in-process.js";
import { type Spread, spreadOf } from "./spread.js";

/** What it takes to load a model, each time in a fresh process, one thread. */
export interface Loading {
  /** How many processes loaded it. */
  readonly processes: number;
  /** From the path to a session that can run, reading the file included. */
  readonly milliseconds: Spread;
  /**
   * The most memory that was resident while loading, above what the process had with the runtime and no model.
   * Absent where the system does not tell, and with the browser backend, whose memory is in other processes.
   */
  readonly peakBytes?: Spread;
}

/** Options of {@link measureLoading}. */
export interface LoadingOptions {
  /** @default "node" */
  readonly backend?: Backend;
  /** @default "all" */
  readonly optimization?: Optimization;
  /** How many processes load each model, at least 1; with an odd number the median is a load that was. @default 3 */
  readonly processes?: number;
  /** Ends the process under way. @default never */
  readonly signal?: AbortSignal;
  /** Called before each load. @default nothing */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number; readonly path: string }) => void;
}

/**
 * Measures what loading models takes: every load in a Node process of its own, which has loaded the runtime and a model of one
 * `Identity` before. The models take turns, so that whatever else the machine does meets all alike; a file that was not
 * read lately makes its first load slow, which the median does not show and `max` does.
 *
 * Memory is that of the process as the system counts it. On Linux it is exact, to the some hundred kB in which the kernel counts
 * (`VmHWM`, set back before the load). On macOS and Windows the mark cannot be set back: a model that needs less than the start of the
 * process did, some 50 MB, shows as that. Pages of mapped files, such as external data in the node backend, count.
 *
 * @param paths of `.onnx` files; external data are found next to them
 * @returns one for each path, in order
 * @throws {RunnerError} `bad-option`, also outside of Node; `process-failed` when a process dies, of too little memory for one;
 *   what `openRunner` throws for a model: `backend-missing`, `backend-failed`, `load-failed`, `unsupported-type`
 * @throws the reason of `signal`
 */
export async function measureLoading(
  paths: readonly string[],
  options: LoadingOptions = {},
): Promise<readonly Loading[]> {
  const { backend = "node", optimization = "all", processes = 3, signal, onProgress } = options;
  requireUsable(processes);
  // For a bundle this module is nothing (`browser` in package.json).
  const { loadInProcess } = await import("./load-in-process.js");
  const loads = paths.map((): Load[] => []);
  for (let done = 0; done < paths.length * processes; done++) {
    const turn = done % paths.length;
    const path = paths[turn]!;
    onProgress?.({ done, total: paths.length * processes, path });
    loads[turn]!.push(await loadInProcess({ path, backend, optimization }, signal));
  }
  return loads.map(summary);
}

function requireUsable(processes: number): void {
  if (!isNode()) throw new RunnerError("bad-option", "measureLoading starts processes: it works in Node only.");
  if (Number.isSafeInteger(processes) && processes >= 1) return;
  const expected = "an integer of at least 1";
  throw new RunnerError("bad-option", `processes: found ${processes}, expected ${expected}.`, { expected });
}

function summary(loads: readonly Load[]): Loading {
  const peaks = loads.flatMap(({ peakBytes }) => (peakBytes === undefined ? [] : [peakBytes]));
  return {
    processes: loads.length,
    milliseconds: spreadOf(loads.map(({ milliseconds }) => milliseconds)),
    ...(peaks.length === loads.length && { peakBytes: spreadOf(peaks) }),
  };
}
