import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { RecoverError } from "../recover-error.js";
import type { LayerSolution, LayerTask } from "../solve/layer-task.js";
import type { SolverAnswer } from "./solver-answer.js";

/** Solves layers in worker threads. */
export interface Solver {
  /** @throws {RecoverError} what `solveLayer` throws */
  solve(task: LayerTask): Promise<LayerSolution>;
  /** Ends the threads when they are done with what they have. */
  close(): Promise<void>;
}

const WORKER_FILE = new URL("./solver-worker.js", import.meta.url);

/** @param threads layers that are solved at a time, each on one core; solutions do not depend on it */
export function openSolver(threads: number): Solver {
  const pool = new Piscina<LayerTask, SolverAnswer>({
    filename: fileURLToPath(WORKER_FILE),
    minThreads: 0,
    maxThreads: threads,
    // Between two stages they wait: starting a thread takes longer than solving a small layer.
    idleTimeout: Number.POSITIVE_INFINITY,
    // Flags of the main thread, such as those of a test runner or a TypeScript loader, are not for workers.
    execArgv: [],
  });
  return {
    async solve(task) {
      const answer = await pool.run(task);
      if (answer.status === "solved") return answer.solution;
      throw new RecoverError(answer.code, answer.message, { weight: task.weight });
    },
    close: () => pool.close(),
  };
}
