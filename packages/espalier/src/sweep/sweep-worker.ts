import { workerData } from "node:worker_threads";
import { TaskRunner } from "./run-task.js";
import type { SweepAnswer, SweepSetup, SweepTask } from "./sweep-task.js";

/** How often the main thread's wish to stop is looked for. */
const LOOK_EVERY_MS = 50;

const setup = workerData as SweepSetup;
const controller = new AbortController();
const runner = new TaskRunner(setup, controller.signal);

/** What Piscina calls in a worker thread: one task. */
export default async function runTask(task: SweepTask): Promise<SweepAnswer> {
  const look = (): void => {
    if (Atomics.load(setup.stop, 0) !== 0) controller.abort(new Error("stopped"));
  };
  look();
  const timer = setInterval(look, LOOK_EVERY_MS);
  try {
    return await runner.run(task);
  } finally {
    clearInterval(timer);
  }
}
