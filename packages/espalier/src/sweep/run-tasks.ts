import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { EspalierError } from "../errors.js";
import type { MeasuredRow } from "./pareto.js";
import type { SweepAnswer, SweepSetup, SweepTask } from "./sweep-task.js";

const WORKER_FILE = new URL("./sweep-worker.js", import.meta.url);

/** Who runs tasks, and who is told. */
export interface TaskOptions {
  readonly threads: number;
  /** The module that threads run, for tests. @default the one of sweeps */
  readonly workerFile?: URL;
  readonly signal?: AbortSignal | undefined;
  /** Called after every task. */
  readonly onDone: (task: SweepTask, rows: readonly MeasuredRow[]) => void;
}

/**
 * Runs tasks in worker threads, one at a time in each. A thread that dies takes its task down, which is tried once more on a fresh
 * one; then, or when a task fails, the others are asked to stop, and all that was finished is in the store.
 *
 * Threads are asked, never ended: ended inside ONNX Runtime one would take the process with it.
 *
 * @param setup without its switch, which is made here
 * @throws {EspalierError} of the first task that failed, naming its cell; the reason of the signal
 */
export async function runTasks(
  tasks: readonly SweepTask[],
  setup: Omit<SweepSetup, "stop">,
  { threads, workerFile = WORKER_FILE, signal, onDone }: TaskOptions,
): Promise<void> {
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const askToStop = (): void => void Atomics.store(stop, 0, 1);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", askToStop);
  const pool = startPool(workerFile, { ...setup, stop }, threads);
  let failure: { readonly error: unknown } | undefined;
  const runOne = async (task: SweepTask): Promise<void> => {
    try {
      const rows = await rowsOf(
        task,
        () => pool.run(task),
        () => Atomics.load(stop, 0) !== 0,
      );
      if (rows !== undefined) onDone(task, rows);
    } catch (error) {
      failure ??= { error };
      askToStop();
    }
  };
  try {
    await Promise.all(tasks.map(runOne));
  } finally {
    signal?.removeEventListener("abort", askToStop);
    await pool.close();
  }
  signal?.throwIfAborted();
  if (failure) throw failure.error;
}

/** Undefined where the task was stopped. */
async function rowsOf(
  task: SweepTask,
  run: () => Promise<SweepAnswer>,
  isStopping: () => boolean,
): Promise<readonly MeasuredRow[] | undefined> {
  const answer = await run().catch((error) =>
    isStopping() ? ({ status: "stopped" } as const) : again(task, run, error),
  );
  if (answer.status === "done") return answer.rows;
  if (answer.status === "stopped") return undefined;
  throw new EspalierError(answer.code, `${nameOf(task)}: ${answer.message}`);
}

async function again(task: SweepTask, run: () => Promise<SweepAnswer>, first: unknown): Promise<SweepAnswer> {
  try {
    return await run();
  } catch (cause) {
    const message = `${nameOf(task)} failed twice, the first time with: ${textOf(first)}; then: ${textOf(cause)}. What was finished is kept: the same sweep goes on from there`;
    throw new EspalierError("input", message, { cause });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function nameOf(task: SweepTask): string {
  const { model, criterion, pattern, sparsity } = task[0]!.cell;
  return `the cell ${model}, ${criterion}, ${pattern}, sparsity ${sparsity}`;
}

function startPool(workerFile: URL, setup: SweepSetup, threads: number): Piscina<SweepTask, SweepAnswer> {
  const pool = new Piscina<SweepTask, SweepAnswer>({
    filename: fileURLToPath(workerFile),
    minThreads: 0,
    maxThreads: threads,
    workerData: setup,
    // Models that a thread has open are worth more than its memory until the sweep is over.
    idleTimeout: Number.POSITIVE_INFINITY,
    // Flags of the main thread, such as those of a test runner or a TypeScript loader, are not for workers.
    execArgv: [],
  });
  // A thread that dies between two tasks is noticed by the next one; without a listener it would end the process.
  pool.on("error", () => {});
  return pool;
}
