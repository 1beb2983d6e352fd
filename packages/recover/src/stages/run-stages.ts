import { layOutInputs, modelInputs } from "@espalier/calibrate";
import type { Model, PrunableWeight } from "@espalier/onnx";
import { StageLane } from "../workers/stage-lane.js";
import type { Decide } from "./decision.js";
import { ModelPair } from "./model-pair.js";
import { planStages } from "./plan-stages.js";
import { readBatches } from "./read-batches.js";
import { residualSummands } from "./residual-summands.js";
import { stageGraph } from "./stage-graph.js";
import { stageInput } from "./stage-input.js";
import { requireUsable, type StageOptions } from "./stage-options.js";
import type { StageRecord, StageReport } from "./stage-report.js";
import { StageSequence } from "./stage-sequence.js";
import { makeTemporaryFolder } from "./temporary-folder.js";
import { ValueNames } from "./value-names.js";

export type { Decide, Decision, StageInputs } from "./decision.js";
export type { StageOptions, StageProgress } from "./stage-options.js";
export type { StageReport } from "./stage-report.js";

/**
 * Runs a model stage by stage, from the front: each weight is decided on the inputs that it gets when all weights before it
 * have been decided, and the stages after it run with what was decided. Activations are handed from stage to stage, so that the
 * whole costs one pass through the model as it becomes, and with `cross` one through the dense one.
 *
 * The same bits for any number of threads and any memory.
 *
 * @param current the graph of `dense` with other numbers, or `dense` itself: where to start from
 * @param weights of `dense`, as the tensors of biases are
 * @param decide called for every weight of a stage once its moments are there, for all of a stage at a time; what it returns is
 *   the weight's data from then on
 * @throws {RecoverError} `bad-option`; `no-samples` where no position of a weight counts; `not-finite`, `load-failed`,
 *   `run-failed`, `worker-failed`, naming the samples; `read-failed`, `write-failed`
 * @throws what `decide` and `samples` throw, and the signal's reason
 */
export async function runStages(
  dense: Model,
  current: Model,
  weights: readonly PrunableWeight[],
  options: StageOptions,
  decide: Decide,
): Promise<StageReport> {
  requireUsable(options);
  options.signal?.throwIfAborted();
  const { mask, threads, batch, cross } = options;
  const residuals = cross ? residualSummands(dense, weights) : new Map<string, string>();
  const layout = layOutInputs(dense, weights, { beside: residuals, ...(mask !== undefined && { mask }) });
  const { model, inputs, beside, unsupported } = layout;
  const skipped = new Set(unsupported.map(({ name }) => name));
  const graph = stageGraph(model, new Set(dense.proto.graph?.node));
  const supported = weights.filter(({ name }) => !skipped.has(name));
  const summed = inputs.map((input) => stageInput(graph, input));
  const stages = planStages(graph, supported, summed, beside);
  const parts = { graph, models: new ModelPair(model, dense, current), names: new ValueNames(model), cross };
  const folder = makeTemporaryFolder();
  const lanes = Array.from({ length: threads }, () => new StageLane());
  const samples = readBatches(options.samples, modelInputs(dense), batch);
  try {
    const sequence = new StageSequence(parts, stages, options, { folder: folder.path, lanes, samples });
    const records: StageRecord[] = [];
    for (const index of stages.keys()) records.push(await sequence.run(index, decide));
    return { stages: records, carriedBytes: sequence.carriedBytes, unsupported };
  } finally {
    // The source cleans up as soon as it can; nobody waits for it.
    samples.return().catch(() => {});
    await Promise.all(lanes.map((lane) => lane.close()));
    folder.remove();
  }
}
