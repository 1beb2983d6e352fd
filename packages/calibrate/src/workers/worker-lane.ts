import { fileURLToPath } from "node:url";
import type { ResourceLimits } from "node:worker_threads";
import { Piscina } from "piscina";
import { describeShard, type Shard } from "../collect/shard.js";
import type { ShardRunner } from "../collect/shard-runner.js";
import type { Sum } from "../moment.js";
import { StatisticsError, type StatisticsErrorCode } from "../statistics-error.js";
import {
  type Answer,
  type AnswerMessage,
  answerMessage,
  type ShardMessage,
  setupMessage,
  type WorkerData,
  type WorkerSetup,
} from "./messages.js";
import { encodeShard } from "./shard-message.js";

/** How a {@link WorkerLane} works. */
export interface LaneOptions extends WorkerSetup {
  /** How often a shard is tried again after a failure. */
  readonly retries: number;
  /** The module that workers run. @default shard-worker.js */
  readonly workerFile?: URL;
  /** Of each worker. @default those of Node, but for a small young generation */
  readonly resourceLimits?: ResourceLimits;
}

const WORKER_FILE = new URL("./shard-worker.js", import.meta.url);

/** A worker's own garbage is small; left alone, V8 lets it pile up to about 40 MB more over a long run. */
const YOUNG_GENERATION_MB = 4;

/** Failures that another attempt would only repeat: they come from the model or the samples, not from the worker. */
const FINAL: ReadonlySet<StatisticsErrorCode> = new Set(["not-finite", "bad-sample", "load-failed"]);

/**
 * One worker thread after the other: a pool of one, that is thrown away with its thread when a shard fails, so that the
 * next attempt starts on a fresh one and no other shard shares a worker in doubt.
 *
 * A thread is only ever ended between shards. Ended inside ONNX Runtime it would take the process with it, so a signal
 * asks it to stop, which it does after the current run of the model.
 */
export class WorkerLane implements ShardRunner {
  readonly #options: LaneOptions;
  readonly #setup: Uint8Array;
  readonly #stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #pool: Piscina<ShardMessage, AnswerMessage> | undefined;
  /** Memory for the numbers of the next shard; lost with a worker that dies. */
  #spare: ArrayBuffer | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    const { modelPath, probes, batch } = options;
    this.#setup = setupMessage.encode({ modelPath, probes, batch });
  }

  /**
   * @param signal stops this lane for good
   * @throws {StatisticsError} `not-finite`, `bad-sample`, `load-failed` at once; `shard-failed` after all attempts
   */
  async run(shard: Shard, signal: AbortSignal): Promise<readonly Sum[]> {
    const stop = () => this.#requestStop();
    signal.addEventListener("abort", stop);
    try {
      return await this.#runWithRetries(shard, signal);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Ends the thread; a later shard starts a new one. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  async #runWithRetries(shard: Shard, signal: AbortSignal): Promise<readonly Sum[]> {
    for (let failures = 1; ; failures++) {
      signal.throwIfAborted();
      const attempt = await this.#attempt(this.#encode(shard));
      if (attempt.status === "done") return attempt.sums;
      if (attempt.status === "stopped") throw signal.reason;
      await this.close();
      const { error } = attempt;
      if (error instanceof StatisticsError && FINAL.has(error.code)) throw error;
      if (failures > this.#options.retries) throw shardFailed(shard, failures, error);
    }
  }

  async #attempt(message: ShardMessage): Promise<Attempt> {
    try {
      this.#pool ??= this.#startPool();
      const answer = answerMessage.decode(await this.#send(this.#pool, message));
      if (answer.status !== "failed") return answer;
      const { code, message: text, context } = answer.failure;
      return { status: "failed", error: new StatisticsError(code, text, context) };
    } catch (error) {
      return { status: "failed", error };
    }
  }

  /** In the memory that the worker gave back, where it suffices; what goes wrong here is no worker's fault. */
  #encode(shard: Shard): ShardMessage {
    const message = encodeShard(shard, this.#spare);
    this.#spare = undefined;
    return message;
  }

  async #send(pool: Piscina<ShardMessage, AnswerMessage>, message: ShardMessage): Promise<Uint8Array> {
    const { answer, numbers } = await pool.run(message, { transferList: [message.numbers] });
    this.#spare = numbers;
    return answer;
  }

  #requestStop(): void {
    Atomics.store(this.#stop, 0, 1);
    Atomics.notify(this.#stop, 0);
  }

  #startPool(): Piscina<ShardMessage, AnswerMessage> {
    const workerData: WorkerData = { setup: this.#setup, stop: this.#stop };
    const pool = new Piscina<ShardMessage, AnswerMessage>({
      filename: fileURLToPath(this.#options.workerFile ?? WORKER_FILE),
      minThreads: 1,
      maxThreads: 1,
      workerData,
      // Flags of the main thread, such as those of a test runner or a TypeScript loader, are not for workers.
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB, ...this.#options.resourceLimits },
    });
    // A thread that dies between two shards is noticed by the next one; without a listener it would end the process.
    pool.on("error", () => {});
    return pool;
  }
}

/** How one attempt ended. */
type Attempt = Exclude<Answer, { status: "failed" }> | { readonly status: "failed"; readonly error: unknown };

function shardFailed(shard: Shard, attempts: number, cause: unknown): StatisticsError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const times = attempts === 1 ? "once" : `${attempts} times, each on a fresh worker, the last`;
  const message = `Gave up on ${describeShard(shard)}; it failed ${times} with: ${reason}`;
  const context = cause instanceof StatisticsError ? cause.context : {};
  return new StatisticsError("shard-failed", message, { ...context, shard: shard.index, cause });
}
