import { fileURLToPath } from "node:url";
import { type ResourceLimits } from "node:worker_threads";
import { Piscina } from "piscina";
import { describeShard, type Shard } from "../collect/shard.js";
import type { ShardRunner } from "../collect/shard-runner.js";
import type { Sum } from "../moment.js";
import { StatisticsError, type StatisticsErrorCode } from "../statistics-error.js";
import { type Answer, answerMessage, setupMessage, shardMessage, type WorkerSetup } from "./messages.js";

/** How a {@link WorkerLane} works. */
export interface LaneOptions extends WorkerSetup {
  /** How often a shard is tried again after a failure. */
  readonly retries: number;
  /** The module that workers run. @default shard-worker.js */
  readonly workerFile?: URL;
  /** @default those of Node */
  readonly resourceLimits?: ResourceLimits;
}

const WORKER_FILE = new URL("./shard-worker.js", import.meta.url);

/** Failures that another attempt would only repeat: they come from the model or the samples, not from the worker. */
const FINAL: ReadonlySet<StatisticsErrorCode> = new Set(["not-finite", "bad-sample", "load-failed"]);

/**
 * One worker thread after the other: a pool of one, that is thrown away with its thread when a shard fails, so that the
 * next attempt starts on a fresh one and no other shard shares a worker in doubt.
 */
export class WorkerLane implements ShardRunner {
  readonly #options: LaneOptions;
  readonly #setup: Uint8Array;
  #pool: Piscina<Uint8Array, Uint8Array> | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    const { modelPath, probes, batch } = options;
    this.#setup = setupMessage.encode({ modelPath, probes, batch });
  }

  /** @throws {StatisticsError} `not-finite`, `bad-sample`, `load-failed` at once; `shard-failed` after all attempts */
  async run(shard: Shard, signal: AbortSignal): Promise<readonly Sum[]> {
    const { retries } = this.#options;
    const message = shardMessage.encode(shard);
    for (let failures = 0; ; ) {
      const attempt = await this.#attempt(message, signal);
      if (attempt.status === "done") return attempt.sums;
      await this.close();
      const { error } = attempt;
      if (signal.aborted || (error instanceof StatisticsError && FINAL.has(error.code))) throw error;
      failures++;
      if (failures > retries) throw shardFailed(shard, failures, error);
    }
  }

  /** Ends the thread; a later shard starts a new one. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  async #attempt(message: Uint8Array, signal: AbortSignal): Promise<Extract<Answer, { status: "done" }> | Failed> {
    try {
      this.#pool ??= this.#startPool();
      const answer = answerMessage.decode(await this.#pool.run(message, { signal }));
      if (answer.status === "done") return answer;
      const { code, message: text, context } = answer.failure;
      return { status: "failed", error: new StatisticsError(code, text, context) };
    } catch (error) {
      return { status: "failed", error };
    }
  }

  #startPool(): Piscina<Uint8Array, Uint8Array> {
    const pool = new Piscina<Uint8Array, Uint8Array>({
      filename: fileURLToPath(this.#options.workerFile ?? WORKER_FILE),
      minThreads: 1,
      maxThreads: 1,
      workerData: this.#setup,
      // Flags of the main thread, such as those of a test runner or a TypeScript loader, are not for workers.
      execArgv: [],
      ...(this.#options.resourceLimits && { resourceLimits: this.#options.resourceLimits }),
    });
    // A thread that dies between two shards is noticed by the next one; without a listener it would end the process.
    pool.on("error", () => {});
    return pool;
  }
}

interface Failed {
  readonly status: "failed";
  readonly error: unknown;
}

function shardFailed(shard: Shard, attempts: number, cause: unknown): StatisticsError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const times = attempts === 1 ? "once" : `${attempts} times, each on a fresh worker, the last`;
  const message = `Gave up on ${describeShard(shard)}; it failed ${times} with: ${reason}`;
  const context = cause instanceof StatisticsError ? cause.context : {};
  return new StatisticsError("shard-failed", message, { ...context, shard: shard.index, cause });
}
