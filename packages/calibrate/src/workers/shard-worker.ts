import { workerData } from "node:worker_threads";
import { isRunnerError, openRunner, type Runner } from "@espalier/runtime";
import { move, transferableSymbol, valueSymbol } from "piscina";
import { runShard } from "../collect/run-shard.js";
import { isStatisticsError } from "../statistics-error.js";
import {
  type Answer,
  type AnswerMessage,
  answerMessage,
  type ShardMessage,
  setupMessage,
  type WorkerData,
} from "./messages.js";
import { decodeShard } from "./shard-message.js";

const { setup, stop } = workerData as WorkerData;
const { modelPath, probes, batch } = setupMessage.decode(setup);
const stopped = () => Atomics.load(stop, 0) !== 0;
let runner: Promise<Runner> | undefined;

/**
 * What Piscina calls in a worker thread: runs one shard. The model is loaded with the first one and stays.
 *
 * @param message of {@link encodeShard}
 * @returns an {@link AnswerMessage}, handed over without a copy
 */
export default async function runShardMessage(message: ShardMessage): Promise<ReturnType<typeof move>> {
  const result: AnswerMessage = { answer: answerMessage.encode(await answer(message)), numbers: message.numbers };
  return move({ [transferableSymbol]: [result.answer.buffer, result.numbers], [valueSymbol]: result });
}

async function answer(message: ShardMessage): Promise<Answer> {
  try {
    runner ??= openRunner(modelPath, { backend: "node", threads: 1 });
    const sums = await runShard({ runner: await runner, probes, batch, stopped }, decodeShard(message));
    return sums ? { status: "done", sums } : { status: "stopped" };
  } catch (error) {
    if (isRunnerError(error)) {
      return { status: "failed", failure: { code: "load-failed", message: error.message, context: {} } };
    }
    if (!isStatisticsError(error)) throw error;
    const { cause: _, ...context } = error.context;
    return { status: "failed", failure: { code: error.code, message: error.message, context } };
  }
}
