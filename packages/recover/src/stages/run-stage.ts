import type { LaidOutInput } from "@espalier/calibrate";
import type { Tensor } from "@espalier/runtime";
import { RecoverError } from "../recover-error.js";
import type { StageLane } from "../workers/stage-lane.js";
import type { CarriedValues } from "./carried-values.js";
import { InOrder } from "./in-order.js";
import type { JointModel } from "./joint-model.js";
import { isFiniteRun, MomentSums } from "./moment-sums.js";
import type { Stage } from "./plan-stages.js";
import type { Batch } from "./read-batches.js";
import type { Reduction } from "./reductions.js";

/** Batches that each worker has: one that it runs, and one to go on with while the sums of the last are added here. */
const BATCHES_PER_WORKER = 2;

/** A batch without its values: those are carried. */
export type BatchRange = Pick<Batch, "first" | "count">;

/** What a stage needs to run. */
export interface StageRun {
  /** From 0. */
  readonly index: number;
  readonly stage: Stage;
  readonly joint: JointModel;
  readonly modelPath: string;
  readonly lanes: readonly StageLane[];
  readonly carried: CarriedValues;
  /** Batches in their order; with their feeds where they are read for the first time. */
  readonly batches: AsyncIterator<Batch | BatchRange>;
  readonly isHeld: (batch: number) => boolean;
  /** Whether later stages read a value. */
  readonly isKept: (value: string) => boolean;
  readonly signal: AbortSignal;
  readonly onBatch: (batch: number) => void;
}

/** Sums of one laid-out input. */
export interface InputSums {
  readonly fit: MomentSums;
  readonly held: MomentSums;
}

/**
 * Runs a stage over all batches. Each worker takes the next one when it is done with one; sums are added in the order of
 * the batches, so that they do not depend on the number of workers.
 *
 * The first failure stops the others after the runs that they have been given.
 *
 * @returns one for each input of the stage, in its order
 * @throws {RecoverError} `not-finite`, `load-failed`, `run-failed`, `worker-failed`, `read-failed`, `write-failed`, naming the
 *   samples; the signal's reason; what the samples throw
 */
export async function runStage(run: StageRun): Promise<readonly InputSums[]> {
  const { stage, joint, lanes, batches, isHeld } = run;
  const sums = stage.inputs.map((input, index) => emptySums(input, joint.reductions[index]!));
  let done = 0;
  const merge = (outputs: Readonly<Record<string, Tensor>>): void => {
    const kind = isHeld(done) ? "held" : "fit";
    for (const sum of sums) sum[kind].add(outputs);
    run.onBatch(done++);
  };
  const ordered = new InOrder(merge, BATCHES_PER_WORKER * lanes.length);
  const failure = new AbortController();
  const stop = AbortSignal.any([run.signal, failure.signal]);
  let next = 0;
  const work = async (lane: StageLane): Promise<void> => {
    for (;;) {
      stop.throwIfAborted();
      // Asked for in one breath, so that numbers are those of the iterator.
      const index = next++;
      const batch = await abortable(batches.next(), stop);
      if (batch.done) return;
      await ordered.room(index);
      stop.throwIfAborted();
      ordered.put(index, await runBatch(run, lane, index, batch.value));
    }
  };
  const workers = Array.from({ length: BATCHES_PER_WORKER }, () => lanes).flat();
  const results = await Promise.allSettled(
    workers.map(async (lane) => {
      try {
        await work(lane);
      } catch (error) {
        // Later failures are consequences of this one, or of the caller's signal.
        failure.abort(error);
        ordered.close();
        throw error;
      }
    }),
  );
  run.signal.throwIfAborted();
  if (results.some(({ status }) => status === "rejected")) throw failure.signal.reason;
  return sums;
}

function emptySums(input: LaidOutInput, reduction: Reduction): InputSums {
  return { fit: new MomentSums(input, reduction), held: new MomentSums(input, reduction) };
}

/** Runs one batch and stores what later stages read. @returns what the model puts out */
async function runBatch(
  { index: stage, stage: { inputs }, joint, modelPath, carried, isKept }: StageRun,
  lane: StageLane,
  index: number,
  batch: Batch | BatchRange,
): Promise<Readonly<Record<string, Tensor>>> {
  if ("feeds" in batch) await carried.add(index, batch.feeds);
  const feeds = await carried.read(index, joint.feeds);
  const answer = await lane.run({ kind: "run", modelPath, feeds });
  const place = `${rangeOf(batch)}, stage ${stage}`;
  const context = { stage, sample: batch.first };
  if (answer.status === "failed") throw new RecoverError(answer.code, `${place}: ${answer.message}`, context);
  const { outputs } = answer;
  for (const [number, input] of inputs.entries()) {
    if (isFiniteRun(outputs, input, joint.reductions[number]!)) continue;
    const [weight] = input.weights;
    const message = `${place}: the input of weight ${JSON.stringify(weight)} holds NaN or Infinity, or its squares exceed float32`;
    throw new RecoverError("not-finite", message, { ...context, weight: weight! });
  }
  await carried.keep(index, isKept);
  await carried.add(index, Object.fromEntries(joint.carries.map((name) => [name, outputs[name]!])));
  return outputs;
}

/** The promise, or a rejection with the signal's reason if that comes first: samples may keep us waiting for ever. */
function abortable<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function rangeOf({ first, count }: BatchRange): string {
  return count === 1 ? `sample ${first}` : `samples ${first} to ${first + count - 1}`;
}
