import { Packr } from "msgpackr";
import type { Shard } from "../collect/shard.js";
import type { Sum } from "../moment.js";
import type { Probe } from "../probe.js";
import type { StatisticsErrorCode, StatisticsErrorContext } from "../statistics-error.js";

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

/** An error that a worker could explain. Errors themselves lose their class and fields on the way. */
export interface Failure {
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
/** Main thread → worker. */
export const shardMessage = codec<Shard>();
/** Worker → main thread. */
export const answerMessage = codec<Answer>();

/** MessagePack with msgpackr's extension for typed arrays, which come out as copies of their own, of the same class. */
function codec<Message>() {
  // A packer keeps the largest buffer it ever needed; one for each message keeps none.
  const packer = () => new Packr({ useRecords: false, moreTypes: true });
  return {
    encode: (message: Message): Uint8Array<ArrayBuffer> => Uint8Array.from(packer().pack(message)),
    decode: (bytes: Uint8Array): Message => packer().unpack(bytes) as Message,
  };
}
