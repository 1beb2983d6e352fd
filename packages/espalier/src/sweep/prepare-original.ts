import { type Model, modelSize } from "@espalier/onnx";
import { isRunnerError, openRunner, type Runner, type Sample } from "@espalier/runtime";
import {
  type AccuracyOptions,
  compressedModelSize,
  measureLatency,
  type Outputs,
  type Scorer,
  scorerOf,
} from "@espalier/verify";
import { EspalierError } from "../errors.js";
import { breathe, type ProgressEvent } from "../progress.js";
import { recordOutputs } from "./recorded-outputs.js";
import { scoreOf } from "./score.js";
import type { SweptModel } from "./sweep-result.js";

/** What there is to know of an unpruned model. */
export interface PreparedOriginal {
  readonly figures: Omit<SweptModel, "name">;
  /** What scores are: `top-1 accuracy`. */
  readonly metric?: string;
}

/** What it is run on, and where its outputs go. */
export interface OriginalRequest {
  readonly name: string;
  readonly path: string;
  readonly model: Model;
  readonly test: readonly Sample[];
  readonly accuracy: AccuracyOptions | undefined;
  readonly latencyRuns: number;
  /** File for {@link recordOutputs}. */
  readonly outputs: string;
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs an unpruned model on the test samples: the one time that a sweep does. Its outputs go to a file, for all cells.
 *
 * @throws {EspalierError} `input` when it does not run on a sample, `output` when the file cannot be written
 * @throws {VerifyError} `bad-metric`, `bad-labels`, `invalid-option` of the accuracy
 * @throws {RunnerError} when the model does not load
 */
export async function prepareOriginal(request: OriginalRequest): Promise<PreparedOriginal> {
  const { path, model, test, accuracy, latencyRuns } = request;
  const runner = await openRunner(path);
  try {
    const scorer = accuracy && scorerOf(accuracy);
    const scores: number[] = [];
    await recordOutputs(request.outputs, outputsOf(runner, request, scorer, scores));
    scorer?.finish(test.length);
    const { original } = await measureLatency(runner, runner, test[0]!, latencyRuns);
    const { gzip } = await compressedModelSize(model, ["gzip"]);
    return {
      figures: {
        bytes: modelSize(model),
        gzipBytes: gzip,
        latencyMs: original.median,
        ...(scorer && { score: scoreOf(scores) }),
      },
      ...(scorer && { metric: scorer.name }),
    };
  } finally {
    await runner.close();
  }
}

async function* outputsOf(
  runner: Runner,
  { name, test, onProgress, signal }: OriginalRequest,
  scorer: Scorer | undefined,
  scores: number[],
): AsyncGenerator<Outputs> {
  for (const [index, sample] of test.entries()) {
    await breathe(signal);
    const outputs = await runOriginal(runner, sample, index);
    scores.push(...((await scorer?.score(outputs, outputs, index))?.original ?? []));
    onProgress?.({ phase: "original", done: index + 1, total: test.length, item: name });
    yield outputs;
  }
}

async function runOriginal(runner: Runner, sample: Sample, index: number): Promise<Outputs> {
  try {
    return await runner.run(sample);
  } catch (cause) {
    if (!isRunnerError(cause)) throw cause;
    throw new EspalierError("input", `the original does not run on test sample ${index}: ${cause.message}`, { cause });
  }
}
