import { encodeModel, externalDataFiles, type Model } from "@espalier/onnx";
import { batch, openRunner, type Sample, type Tensor } from "@espalier/runtime";
import { RecoverError } from "./recover-error.js";

/** Says how far a model's outputs are from those of the dense model. */
export interface OutputJudge {
  /**
   * Squared relative error of the outputs on the samples: for each floating-point output `Σ (y − d)² / Σ d²`, and the mean of
   * these; 0 for the dense model itself. Squared errors of layers that are pruned one at a time add up, nearly.
   *
   * @throws {RecoverError} `not-finite` when an output holds NaN or Infinity
   */
  errorOf(model: Model): Promise<number>;
}

/** How the models are run. */
export interface JudgeOptions {
  /** Most samples in one run. */
  readonly batch: number;
  /** Of one run; the result may depend on it in its last bits. */
  readonly threads: number;
  readonly signal?: AbortSignal;
}

type Outputs = ReadonlyMap<string, readonly Float64Array[]>;

/** @param samples at least one; those of equal sizes next to each other share runs */
export async function openOutputJudge(
  dense: Model,
  samples: readonly Sample[],
  options: JudgeOptions,
): Promise<OutputJudge> {
  const expected = await outputsOf(dense, samples, options);
  if (expected.size === 0) throw new RecoverError("unsupported", "the model has no floating-point output to judge by");
  return {
    async errorOf(model) {
      const found = await outputsOf(model, samples, options);
      const errors = [...expected].map(([name, values]) => squaredRelativeError(found.get(name)!, values));
      return errors.reduce((sum, error) => sum + error, 0) / errors.length;
    },
  };
}

/** The floating-point outputs by name, one array for each run. */
async function outputsOf(model: Model, samples: readonly Sample[], options: JudgeOptions): Promise<Outputs> {
  const { signal, threads } = options;
  const runner = await openRunner(encodeModel(model), { threads, externalData: externalDataFiles(model) });
  try {
    const outputs = new Map<string, Float64Array[]>();
    for (const feeds of batch(samples, options.batch)) {
      signal?.throwIfAborted();
      for (const [name, tensor] of Object.entries(await runner.run(feeds))) {
        if (!isFloat(tensor)) continue;
        if (!tensor.data.every(Number.isFinite)) {
          throw new RecoverError("not-finite", `the output ${JSON.stringify(name)} holds NaN or Infinity`);
        }
        outputs.set(name, [...(outputs.get(name) ?? []), Float64Array.from(tensor.data)]);
      }
    }
    return outputs;
  } finally {
    await runner.close();
  }
}

function isFloat(tensor: Tensor): tensor is Extract<Tensor, { dtype: "float32" | "float64" }> {
  return tensor.dtype === "float32" || tensor.dtype === "float64";
}

function squaredRelativeError(found: readonly Float64Array[], expected: readonly Float64Array[]): number {
  let error = 0;
  let size = 0;
  for (const [run, values] of expected.entries()) {
    const others = found[run]!;
    for (let index = 0; index < values.length; index++) {
      error += (others[index]! - values[index]!) ** 2;
      size += values[index]! ** 2;
    }
  }
  return size === 0 ? error : error / size;
}
