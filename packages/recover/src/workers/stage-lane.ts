import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { RecoverError } from "../recover-error.js";
import type { StageAnswer, StageTask } from "./stage-task.js";

const WORKER_FILE = new URL("./stage-worker.js", import.meta.url);

/**
 * One worker thread with one model at a time. It is only ever ended between runs: ended inside ONNX Runtime it would take the
 * process with it.
 */
export class StageLane {
  readonly #workerFile: URL;
  #pool: Piscina<StageTask, StageAnswer> | undefined;

  /** @param workerFile the module that the thread runs, for tests */
  constructor(workerFile: URL = WORKER_FILE) {
    this.#workerFile = workerFile;
  }

  /**
   * Runs a model once, after loading it if it is not the one of the last run.
   *
   * @returns what the worker says of the run
   * @throws {RecoverError} `worker-failed` when the thread ends
   */
  async run(task: StageTask): Promise<StageAnswer> {
    try {
      this.#pool ??= startPool(this.#workerFile);
      return await this.#pool.run(task);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RecoverError("worker-failed", `a worker thread ended: ${reason}`, { cause });
    }
  }

  /** Frees the model. */
  async unload(): Promise<void> {
    if (this.#pool !== undefined) await this.run({ kind: "unload" });
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }
}

function startPool(workerFile: URL): Piscina<StageTask, StageAnswer> {
  const pool = new Piscina<StageTask, StageAnswer>({
    filename: fileURLToPath(workerFile),
    minThreads: 1,
    maxThreads: 1,
    // Flags of the main thread, such as those of a test runner or a TypeScript loader, are not for workers.
    execArgv: [],
  });
  // A thread that dies between two runs is noticed by the next one; without a listener it would end the process.
  pool.on("error", () => {});
  return pool;
}
