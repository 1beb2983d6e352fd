import { isRunnerError, openRunner, type Runner } from "@espalier/runtime";
import { move, transferableSymbol, valueSymbol } from "piscina";
import type { StageAnswer, StageTask } from "./stage-task.js";

let open: { readonly modelPath: string; readonly runner: Runner } | undefined;

/**
 * What Piscina calls in a worker thread: runs the model of a stage once. It is loaded with the first run and stays until
 * another one is asked for.
 *
 * @returns a {@link StageAnswer} whose numbers are handed over without a copy
 */
export default async function runStageTask(task: StageTask): Promise<ReturnType<typeof move> | StageAnswer> {
  try {
    const runner = await runnerFor(task.kind === "run" ? task.modelPath : undefined);
    const outputs = task.kind === "run" ? await runner!.run(task.feeds) : {};
    return handOver({ status: "done", outputs });
  } catch (error) {
    if (!isRunnerError(error)) throw error;
    const code = error.code === "load-failed" || error.code === "unsupported-type" ? "load-failed" : "run-failed";
    return { status: "failed", code, message: error.message };
  }
}

async function runnerFor(modelPath: string | undefined): Promise<Runner | undefined> {
  if (open?.modelPath === modelPath) return open?.runner;
  const last = open;
  open = undefined;
  await last?.runner.close();
  if (modelPath === undefined) return undefined;
  const runner = await openRunner(modelPath, { backend: "node", threads: 1 });
  open = { modelPath, runner };
  return runner;
}

function handOver(answer: StageAnswer & { status: "done" }): ReturnType<typeof move> {
  const buffers = Object.values(answer.outputs).flatMap(({ data }) => ("buffer" in data ? [data.buffer] : []));
  return move({ [transferableSymbol]: [...new Set(buffers)], [valueSymbol]: answer } as Parameters<typeof move>[0]);
}
