import type { Sample } from "@espalier/runtime";
import { RecoverError } from "../recover-error.js";

/** How {@link runStages} works. */
export interface StageOptions {
  /** Feeds of the model; read once, in their order. */
  readonly samples: AsyncIterable<Sample> | Iterable<Sample>;
  /** Most samples in one run, at least 1. Consecutive ones of equal sizes share a run. */
  readonly batch: number;
  /** Worker threads, at least 1. Results do not depend on it. */
  readonly threads: number;
  /** Bytes that activations may take in memory between two stages; what is beyond goes to temporary files. */
  readonly memory: number;
  /** Name of an input `[batch, seq]`: positions where it is 0 do not count. @default all count */
  readonly mask?: string;
  /** Every how many-th batch is held back, at least 2; 0 = none. */
  readonly heldBack: number;
  /** Whether the dense model is run, too, to tell what it sees. */
  readonly cross: boolean;
  /** Stops after the runs under way. @default never */
  readonly signal?: AbortSignal;
  /** Called after every run of a stage. @default nothing */
  readonly onProgress?: (progress: StageProgress) => void;
}

/** How far {@link runStages} is. */
export interface StageProgress {
  /** From 0. */
  readonly stage: number;
  readonly stages: number;
  /** Batches done in this stage. */
  readonly batch: number;
  /** Batches in all; absent in the first stage, where samples are still read. */
  readonly batches?: number;
  /** Names of the weights of this stage. */
  readonly weights: readonly string[];
}

/** @throws {RecoverError} `bad-option` */
export function requireUsable({ batch, threads, memory, heldBack }: StageOptions): void {
  requireInteger("batch", batch, 1);
  requireInteger("threads", threads, 1);
  if (heldBack !== 0) requireInteger("heldBack", heldBack, 2);
  if (!(memory >= 0)) throw new RecoverError("bad-option", `memory: found ${memory}, expected a number of bytes`);
}

function requireInteger(option: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RecoverError("bad-option", `${option}: found ${value}, expected an integer of at least ${least}`);
}
