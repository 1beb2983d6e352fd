import { rmSync } from "node:fs";
import { join } from "node:path";
import { type PrunableWeight, writeModel } from "@espalier/onnx";
import { RecoverError } from "../recover-error.js";
import type { StageLane } from "../workers/stage-lane.js";
import { CarriedValues } from "./carried-values.js";
import { type Decide, editsOf, type StageInputs } from "./decision.js";
import { type JointModel, type JointParts, jointModel } from "./joint-model.js";
import type { TensorEdit } from "./model-pair.js";
import type { Stage } from "./plan-stages.js";
import type { Batch } from "./read-batches.js";
import { type BatchRange, type InputSums, runStage } from "./run-stage.js";
import type { StageOptions } from "./stage-options.js";
import type { StageRecord } from "./stage-report.js";

/** What a sequence of stages works with; whoever made it frees it. */
export interface StageResources {
  /** Path of a folder for models and activations. */
  readonly folder: string;
  readonly lanes: readonly StageLane[];
  readonly samples: AsyncGenerator<Batch, void, undefined>;
}

/** Stages, run one after the other. */
export class StageSequence {
  readonly #parts: JointParts;
  readonly #stages: readonly Stage[];
  readonly #options: StageOptions;
  readonly #resources: StageResources;
  readonly #carried: CarriedValues;
  readonly #batches: BatchRange[] = [];

  constructor(parts: JointParts, stages: readonly Stage[], options: StageOptions, resources: StageResources) {
    this.#parts = parts;
    this.#stages = stages;
    this.#options = options;
    this.#resources = resources;
    this.#carried = new CarriedValues(resources.folder, options.memory);
  }

  /** Most bytes of activations between two stages so far. */
  get carriedBytes(): number {
    return this.#carried.peak;
  }

  /** Runs all batches through a stage, and has its weights decided. */
  async run(index: number, decide: Decide): Promise<StageRecord> {
    const stage = this.#stages[index]!;
    const start = performance.now();
    const { sums, nodes } = await this.#forward(index, stage);
    const seconds = (performance.now() - start) / 1000;
    const inputs = stage.weights.map((weight) => inputsOf(weight, stage, sums));
    const decisions = await allOf(stage.weights.map((weight, place) => decide(weight, inputs[place]!)));
    const edits = decisions.flatMap((decision, place) => editsOf(stage.weights[place]!, decision));
    this.#requireUnread(index, edits);
    this.#parts.models.change(edits);
    const weights = stage.weights.map(({ name }, place) => ({ name, positions: positionsOf(inputs[place]!) }));
    return { weights, nodes, seconds };
  }

  async #forward(index: number, stage: Stage): Promise<{ sums: readonly InputSums[]; nodes: number }> {
    const { lanes } = this.#resources;
    const joint = jointModel(this.#parts, stage, this.#carried.types());
    const sums = await this.#withModel(index, joint, (modelPath) => {
      const { names } = this.#parts;
      const kept = new Set([...stage.keeps].flatMap((value) => [value, names.dense(value)]));
      return runStage({
        ...{ index, stage, joint, modelPath, lanes, carried: this.#carried, batches: this.#source(index) },
        isHeld: (batch) => this.#options.heldBack > 0 && (batch + 1) % this.#options.heldBack === 0,
        isKept: (value) => kept.has(value),
        signal: this.#options.signal ?? new AbortController().signal,
        onBatch: (batch) => this.#report(index, stage, batch),
      });
    });
    return { sums, nodes: joint.nodes };
  }

  async #withModel<Result>(index: number, { model }: JointModel, use: (path: string) => Promise<Result>) {
    const { folder, lanes } = this.#resources;
    const path = join(folder, `stage-${index}.onnx`);
    // Weights in a file of their own are mapped into memory by ONNX Runtime: all workers share the pages.
    const { externalData } = writeModel(model, path, { externalData: { location: `stage-${index}.bin` } });
    const result = await use(path);
    await Promise.all(lanes.map((lane) => lane.unload()));
    for (const file of [path, ...externalData]) rmSync(file, { force: true });
    return result;
  }

  /** The batches: read in the first stage, remembered for the others. */
  async *#source(stage: number): AsyncGenerator<Batch | BatchRange, void, undefined> {
    if (stage > 0) return yield* this.#batches;
    for await (const batch of this.#resources.samples) {
      this.#batches.push({ first: batch.first, count: batch.count });
      yield batch;
    }
  }

  #report(index: number, { weights }: Stage, batch: number): void {
    this.#options.onProgress?.({
      stage: index,
      stages: this.#stages.length,
      batch: batch + 1,
      ...(index > 0 && { batches: this.#batches.length }),
      weights: weights.map(({ name }) => name),
    });
  }

  /** Refuses to change what values were computed with that have been handed on. */
  #requireUnread(index: number, edits: readonly TensorEdit[]): void {
    const past = this.#stages.slice(0, index + 1).flatMap(({ lasting }) => lasting);
    for (const { tensor } of edits) {
      const names = [...this.#parts.graph.constants].filter(([, one]) => "tensor" in one && one.tensor === tensor);
      const reader = past.find(
        ({ reads, tensors }) => tensors.includes(tensor) || names.some(([name]) => reads.has(name)),
      );
      if (reader === undefined) continue;
      const message = `${JSON.stringify(tensor.name)} cannot be changed with a weight behind ${JSON.stringify(reader.proto.output[0])}, which reads it, too`;
      throw new RecoverError("bad-option", message);
    }
  }
}

function inputsOf({ name }: PrunableWeight, { inputs }: Stage, sums: readonly InputSums[]): StageInputs {
  const { fit, held } = sums[inputs.findIndex(({ weights }) => weights.includes(name))]!;
  const found = { fit: fit.moments(name), held: held.moments(name) };
  if (found.fit.length > 0) return found;
  const message = `no position of the samples counts for the input of weight ${JSON.stringify(name)}; at least one has to, in batches that are not held back`;
  throw new RecoverError("no-samples", message, { weight: name });
}

function positionsOf({ fit, held }: StageInputs): number {
  return fit[0]!.count + (held[0]?.count ?? 0);
}

/** Waits for all, so that nothing goes on when the first failure is thrown. */
async function allOf<Result>(promises: readonly Promise<Result>[]): Promise<readonly Result[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
