import type { Sum } from "../moment.js";
import type { Probe } from "../probe.js";
import type { StatisticsErrorCode, StatisticsErrorContext } from "../statistics-error.js";
import { codec } from "./codec.js";

/** What a worker thread is given when it starts. */
export interface WorkerData {
  /** Message of {@link setupMessage}. */
  readonly setup: Uint8Array;
  /** One shared int32: not 0 when the worker is to give up between two runs of the model. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}

/** What a worker has to do with every shard. */
export interface WorkerSetup {
  /** The instrumented model. */
  readonly modelPath: string;
  readonly probes: readonly Probe[];
  /** Most samples in one run of the model. */
  readonly batch: number;
}

/** A shard on its way to a worker. Its numbers are handed over, not copied, and are back with the {@link AnswerMessage}. */
export interface ShardMessage {
  /** MessagePack: what the shard is made of, without the numbers. */
  readonly head: Uint8Array;
  /** The numbers of all tensors, each at a multiple of 8 bytes; maybe followed by bytes without a meaning. */
  readonly numbers: ArrayBuffer;
}

/** What comes back from a worker, handed over, too. */
export interface AnswerMessage {
  /** Message of {@link answerMessage}. */
  readonly answer: Uint8Array<ArrayBuffer>;
  /** Memory of the shard's numbers, for the next shard. */
  readonly numbers: ArrayBuffer;
}

/** An error that a worker could explain. Errors themselves lose their class and fields on the way. */
interface Failure {
  readonly code: StatisticsErrorCode;
  readonly message: string;
  readonly context: Omit<StatisticsErrorContext, "cause">;
}

/** What a worker says about a shard: its sums, one per probe, or why there are none. */
export type Answer =
  | { readonly status: "done"; readonly sums: readonly Sum[] }
  | { readonly status: "stopped" }
  | { readonly status: "failed"; readonly failure: Failure };

/** Main thread → worker, once. */
export const setupMessage = codec<WorkerSetup>();
/** Worker → main thread. */
export const answerMessage = codec<Answer>();
