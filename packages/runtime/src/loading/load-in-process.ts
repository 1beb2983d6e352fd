import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { RunnerError } from "../runner-error.js";
import type { LoadAnswer, LoadTask } from "./load-message.js";

/** What loading a model took once. */
export type Load = Omit<Extract<LoadAnswer, { ok: true }>, "ok">;

/** Of what a process printed before it died, this much is told. */
const TOLD_CHARACTERS = 500;

/** So long a process that has a browser may take to end it, which leaves a profile otherwise. */
const GRACE_MILLISECONDS = 5_000;

const PROGRAM = fileURLToPath(new URL("./load-process.js", import.meta.url));

/**
 * Loads a model in a process of its own, and waits for the end of that process.
 *
 * @param signal ends the process: kills it, unless it has a browser to end first
 * @throws {RunnerError} what `openRunner` throws there; `process-failed` when the process dies instead
 * @throws the signal's reason
 */
export async function loadInProcess(task: LoadTask, signal?: AbortSignal): Promise<Load> {
  signal?.throwIfAborted();
  // Flags of this process, such as a loader or a debugger's port, are not for that one.
  const child = fork(PROGRAM, { execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
  const kill = () => child.kill("SIGKILL");
  let killing: NodeJS.Timeout | undefined;
  const end = (): void => {
    if (task.backend !== "browser") return void kill();
    // launch-browser.ts ends the browser then, and the process. Not `disconnect`, after which "close" would not come.
    child.kill("SIGTERM");
    killing = setTimeout(kill, GRACE_MILLISECONDS);
  };
  signal?.addEventListener("abort", end);
  try {
    const { answer, ending } = await answerOf(child, task);
    signal?.throwIfAborted();
    if (answer === undefined) throw died(task, ending);
    if (!answer.ok) throw failure(task, answer);
    const { ok: _, ...load } = answer;
    return load;
  } finally {
    signal?.removeEventListener("abort", end);
    clearTimeout(killing);
  }
}

interface Ended {
  readonly answer: LoadAnswer | undefined;
  /** How the process ended, with the last of what it printed. */
  readonly ending: string;
}

function answerOf(child: ChildProcess, task: LoadTask): Promise<Ended> {
  return new Promise((resolve) => {
    let answer: LoadAnswer | undefined;
    let printed = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      printed = (printed + text).slice(-TOLD_CHARACTERS);
    });
    child.once("message", (message) => {
      answer = message as LoadAnswer;
    });
    child.once("error", (error) => resolve({ answer, ending: `could not be started: ${error.message}` }));
    child.once("close", (code, signal) => {
      const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      resolve({ answer, ending: printed.trim() === "" ? how : `${how}: ${printed.trim()}` });
    });
    // Where it is dead already, "close" says so.
    child.send(task, () => {});
  });
}

function died({ path }: LoadTask, ending: string): RunnerError {
  return new RunnerError("process-failed", `The process that was to load ${path} ${ending}`, { found: ending });
}

function failure(task: LoadTask, { code, message }: Extract<LoadAnswer, { ok: false }>): RunnerError {
  return code === undefined ? died(task, `failed: ${message}`) : new RunnerError(code, message);
}
